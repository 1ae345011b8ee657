import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { cached, MAX_PAUSE_MS, REFRESH_MS, TTL_MS } from '../../../shared/calls/discovery/cached.ts';
import { type Address, type Instance, instancesAt, type Registry } from '../../../shared/calls/discovery/discovery.ts';
import { rigPorts } from './fakes.ts';

/** A registry that answers when told to, and what was asked of it. */
const rig = ({ tells = false } = {}) => {
  const ports = rigPorts();
  const asked: string[] = [];
  let answer: () => Promise<readonly Address[]> | readonly Address[] = () => [];
  const lookup = async (service: string) => {
    asked.push(service);
    return instancesAt(...(await answer()));
  };
  /** Who listens, where the registry tells. */
  const heard: {
    tell: (...found: (Address | Instance)[]) => void;
    lose: () => void;
    end: () => void;
    signal: AbortSignal;
  }[] = [];
  const follow: Registry['follow'] = (_, tell, signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => reject(signal.reason));
    heard.push({
      tell: (...found) => tell(found.map((each) => (typeof each === 'string' ? { address: each } : each))),
      lose: () => reject(new Error('connection reset')),
      end: resolve,
      signal,
    });
    return promise;
  };
  const discovery = cached({ name: 'consul', lookup, ...(tells && { follow }) }, ports.ports);
  onTestFinished(() => discovery.close());
  return {
    ...ports,
    asked,
    heard,
    discovery,
    has: (...addresses: Address[]) => {
      answer = () => addresses;
    },
    is: (next: typeof answer) => {
      answer = next;
    },
    away: () => {
      answer = () => Promise.reject(new Error('connection refused'));
    },
    pass: (ms: number) => {
      ports.clock.at += ms;
    },
    users: async () => addressesOf(await discovery.instances('users')),
    instances: () => discovery.instances('users'),
    unavailable: () => expect(discovery.instances('users')).rejects.toMatchObject({ code: 'unavailable' }),
  };
};
const addressesOf = (instances: readonly Instance[]) => instances.map(({ address }) => address);
const settle = () => new Promise((resolve) => setImmediate(resolve));
const A = '10.0.0.1:50051';
const B = '10.0.0.2:50051';

describe('an answer', () => {
  test('is kept for 30 seconds by the clock, and asked for by service', async () => {
    const { users, discovery, asked, has, pass } = rig();
    has(A);
    expect(await users()).toEqual([A]);
    pass(REFRESH_MS - 1);
    await users();
    await discovery.instances('auth');
    expect(asked).toEqual(['users', 'auth']);
  });

  test('expires: after 30 seconds nobody gets it any more', async () => {
    const { users, has, pass } = rig();
    has(A);
    await users();
    has(B);
    pass(TTL_MS);
    expect(await users()).toEqual([B]);
  });

  test('expires also when the clock is set back', async () => {
    const { users, has, pass } = rig();
    has(A);
    await users();
    has(B);
    pass(-3_600_000);
    expect(await users()).toEqual([B]);
  });

  test('is renewed in the background in its last ten seconds, so that no caller waits', async () => {
    const { users, asked, has, is, pass } = rig();
    has(A);
    await users();
    const slow = Promise.withResolvers<Address[]>();
    is(() => slow.promise);
    pass(REFRESH_MS);
    expect([await users(), await users()]).toEqual([[A], [A]]);
    slow.resolve([B]);
    await settle();
    expect(await users()).toEqual([B]);
    expect(asked).toHaveLength(2);
  });

  test('is shared by all who ask at the same time', async () => {
    const { users, asked, is } = rig();
    const slow = Promise.withResolvers<Address[]>();
    is(() => slow.promise);
    const all = Array.from({ length: 50 }, users);
    slow.resolve([A]);
    expect(new Set((await Promise.all(all)).flat())).toEqual(new Set([A]));
    expect(asked).toHaveLength(1);
  });

  test('that is empty is an answer: it replaces what was known', async () => {
    const { users, asked, has, pass, gauges } = rig();
    has(A);
    await users();
    has();
    pass(TTL_MS);
    expect([await users(), await users()]).toEqual([[], []]);
    expect(asked).toHaveLength(2);
    expect(gauges.get('perfect21_discovery_instances users')).toBe(0);
  });

  test('is the same as before in another order, and each address stands there once', async () => {
    const { instances, has, pass } = rig();
    has(B, A, B);
    const first = await instances();
    expect(addressesOf(first)).toEqual([A, B]);
    has(A, B);
    pass(TTL_MS);
    expect(await instances()).toBe(first);
  });
});

describe('while the registry is away', () => {
  test('the last answer goes on, however old; the log says so once, and once that it is back', async () => {
    const { users, has, away, pass, logged, counted } = rig();
    has(A);
    await users();
    away();
    for (let minute = 0; minute < 60; minute++) {
      pass(60_000);
      expect(await users()).toEqual([A]);
      await settle();
    }
    has(B);
    pass(60_000);
    expect(await users()).toEqual([B]);
    const registry = { registry: 'consul', service: 'users' };
    expect(logged).toEqual([
      { level: 'warn', code: 'discovery.away', fields: { ...registry, stale: true, cause: expect.any(Error) } },
      { level: 'info', code: 'discovery.back', fields: registry },
    ]);
    const name = 'perfect21_discovery_lookups_total';
    expect(counted.filter(({ result }) => result === 'failed')).toHaveLength(60);
    expect(counted.at(-1)).toEqual({ name, ...registry, result: 'ok' });
  });

  test('nobody waits for it a second time', async () => {
    const { users, has, away, is, pass } = rig();
    has(A);
    await users();
    away();
    pass(TTL_MS);
    await users();
    is(() => new Promise(() => {}));
    pass(MAX_PAUSE_MS);
    expect(await users()).toEqual([A]);
  });

  test('it is asked again after a pause that grows to five seconds, and not by every call', async () => {
    const { users, has, away, asked, pass } = rig();
    has(A);
    await users();
    away();
    pass(TTL_MS);
    const pauses: number[] = [];
    for (let waited = 0; pauses.length < 8; ) {
      const before = asked.length;
      await users();
      await settle();
      if (asked.length > before) {
        pauses.push(waited);
        waited = 0;
      }
      pass(100);
      waited += 100;
    }
    expect(pauses).toEqual([0, 500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000]);
  });

  test('services that it never told of are unavailable, until it is back', async () => {
    const { users, unavailable, has, away, pass, logged } = rig();
    away();
    await unavailable();
    has(A);
    await unavailable();
    pass(MAX_PAUSE_MS);
    expect(await users()).toEqual([A]);
    expect(logged.map(({ code, fields }) => [code, fields.stale])).toEqual([
      ['discovery.away', false],
      ['discovery.back', undefined],
    ]);
  });

  test('a question without an answer is given up after two seconds', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { unavailable, is } = rig();
    is(() => new Promise(() => {}));
    const refused = unavailable();
    await vi.advanceTimersByTimeAsync(2_000);
    await refused;
  });

  test('what it said before an outage nobody looked at is not believed after it', async () => {
    const { users, has, away, pass } = rig();
    has(A);
    await users();
    away();
    pass(TTL_MS);
    await users();
    has(B);
    pass(TTL_MS);
    expect(await users()).toEqual([B]);
  });
});

describe('who watches a service', () => {
  afterEach(() => void vi.useRealTimers());
  const watched = () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const all = rig();
    const told: (readonly Address[])[] = [];
    const unwatch = all.discovery.watch('users', (instances) => told.push(addressesOf(instances)));
    const pass = async (ms: number) => {
      all.pass(ms);
      await vi.advanceTimersByTimeAsync(ms);
    };
    return { ...all, told, unwatch, pass };
  };

  test('is told what changed without anybody calling, and nothing when nothing did', async () => {
    const { users, has, told, pass, asked } = watched();
    has(A);
    await users();
    has(A, B);
    await pass(REFRESH_MS);
    await pass(REFRESH_MS);
    has();
    await pass(REFRESH_MS);
    expect(told).toEqual([[A], [A, B], []]);
    expect(asked).toHaveLength(4);
  });

  test('is told when the registry is back, seconds after it', async () => {
    const { users, has, away, told, pass, asked } = watched();
    has(A);
    await users();
    away();
    for (let second = 0; second < 120; second++) await pass(1_000);
    expect(told).toEqual([[A]]);
    expect(asked.length).toBeLessThan(35);
    has(B);
    for (let second = 0; second <= MAX_PAUSE_MS / 1_000; second++) await pass(1_000);
    expect(told).toEqual([[A], [B]]);
  });

  test('is told nothing any more once it left, and the registry is left alone', async () => {
    const { users, has, told, unwatch, pass, asked } = watched();
    has(A);
    await users();
    unwatch();
    has(B);
    await pass(10 * REFRESH_MS);
    expect([told, asked.length]).toEqual([[[A]], 1]);
  });

  test('leaves nothing behind when discovery is closed, not even a question', async () => {
    const { users, has, is, discovery, pass, asked, logged } = watched();
    has(A);
    await users();
    is(() => new Promise(() => {}));
    await pass(REFRESH_MS);
    await discovery.close();
    await pass(10 * REFRESH_MS);
    expect(asked).toHaveLength(2);
    expect(vi.getTimerCount()).toBe(0);
    expect(logged).toEqual([]);
  });
});

describe('a registry that tells of changes', () => {
  afterEach(() => void vi.useRealTimers());
  const followed = async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const all = rig({ tells: true });
    all.has(A);
    const told: string[][] = [];
    const unwatch = all.discovery.watch('users', (instances) => told.push(addressesOf(instances)));
    const pass = async (ms: number) => {
      all.pass(ms);
      await vi.advanceTimersByTimeAsync(ms);
    };
    await all.users();
    return { ...all, told, unwatch, pass };
  };

  test('is heard at once, and not asked as long as it tells', async () => {
    const { heard, told, users, pass, asked } = await followed();
    heard[0]!.tell(A, B);
    expect([told, await users()]).toEqual([
      [[A], [A, B]],
      [A, B],
    ]);
    for (let quarter = 0; quarter < 8; quarter++) {
      await pass(15_000);
      heard[0]!.tell(A, B);
    }
    expect([told.length, asked.length, heard.length]).toEqual([2, 1, 1]);
  });

  test('that tells nothing is asked all the same', async () => {
    const { has, told, pass, asked } = await followed();
    has(B);
    await pass(REFRESH_MS);
    expect([told, asked.length]).toEqual([[[A], [B]], 2]);
  });

  test('has more to say than an older question brings', async () => {
    const { heard, is, users, pass, told } = await followed();
    const slow = Promise.withResolvers<Address[]>();
    is(() => slow.promise);
    await pass(REFRESH_MS);
    heard[0]!.tell(B);
    slow.resolve([A]);
    await settle();
    expect([await users(), told]).toEqual([[B], [[A], [B]]]);
  });

  test('that is lost is listened to again after growing pauses; the last answer goes on, and the log says so once', async () => {
    const { heard, away, users, pass, logged, told } = await followed();
    away();
    for (let second = 0; second < 30; second++) {
      heard.at(-1)!.lose();
      await pass(1_000);
      expect(await users()).toEqual([A]);
    }
    expect(heard.length).toBeLessThan(15);
    expect(logged.map(({ code }) => code)).toEqual(['discovery.away']);
    await pass(MAX_PAUSE_MS);
    heard.at(-1)!.tell(B);
    expect(told).toEqual([[A], [B]]);
    expect(logged.map(({ code }) => code)).toEqual(['discovery.away', 'discovery.back']);
  });

  test('that ended is listened to again soon', async () => {
    const { heard, pass } = await followed();
    heard[0]!.end();
    await pass(500);
    expect(heard).toHaveLength(2);
  });

  test('is left alone by who left, and by who closed', async () => {
    const one = await followed();
    one.unwatch();
    expect(one.heard[0]!.signal.aborted).toBe(true);
    one.heard[0]!.tell(B);
    expect(one.told).toEqual([[A]]);
    const other = await followed();
    await other.discovery.close();
    expect(other.heard[0]!.signal.aborted).toBe(true);
    await other.pass(60_000);
    expect(other.heard).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('tells who watches also that only a weight or a zone changed', async () => {
    const { heard, instances, discovery } = await followed();
    const seen: (readonly Instance[])[] = [];
    discovery.watch('users', (found) => seen.push(found));
    heard[0]!.tell(A);
    expect(seen).toEqual([]);
    heard[0]!.tell({ address: A, zone: 'eu-1a', weight: 2 });
    expect(seen).toEqual([[{ address: A, zone: 'eu-1a', weight: 2 }]]);
    expect(await instances()).toBe(seen[0]);
  });
});
