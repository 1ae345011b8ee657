import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { REVOCATION_LIFE_MS, toRevocationWrite } from '../../shared/keys/revocation-records.ts';
import { RevocationSet } from '../../shared/keys/revocation-set.ts';
import { openRevocations, STALENESS_BOUND_MS } from '../../shared/keys/revocations.ts';
import { createStoreFeed, POLL_MS } from '../../shared/keys/store-feed.ts';
import type { Revocation } from '../../shared/ports/revocations.ts';
import { memoryStore, TestClock, testLog } from './harness.ts';

const claims = { jti: 'j', sid: 's', sub: 'u', gen: 1 };
let unique = 0;
const ids = {
  uuid: () => {
    unique += 1;
    return `id-${unique}`;
  },
  random: () => 'r',
};
const setUp = async (before: Partial<Revocation>[] = [], mode: 'up' | 'away' = 'up') => {
  const [clock, log, { store, state }] = [new TestClock(), testLog(), memoryStore()];
  const revoke = (each: Partial<Revocation> = {}) => {
    unique += 1;
    const whole = { kind: 'sid', value: 's', error: 'session_ended', created_at: clock.now(), ...each } as Revocation;
    return store.transact([toRevocationWrite(whole, String(unique))]);
  };
  for (const each of before) await revoke(each);
  state.mode = mode;
  const { port, close } = await openRevocations({
    revocationFeed: createStoreFeed({ store, clock, log, ids }),
    clock,
    log,
  });
  onTestFinished(close);
  return { clock, log, state, revoke, port };
};

describe('revocations', () => {
  test('the snapshot is known before the first answer, all pages of it', async () => {
    const many = Array.from({ length: 2500 }, (_, n) => ({ value: `s${n}` }));
    const { port } = await setUp(many);
    for (const sid of ['s0', 's1000', 's2499']) expect(port.find({ ...claims, sid })).toBe('session_ended');
    expect(port.find(claims)).toBeUndefined();
  });

  test('a fresh answer needs no waiting', async () => {
    const { port } = await setUp();
    expect(port.find(claims)).not.toBeInstanceOf(Promise);
  });

  test("another process's revocation is known after the next poll", async () => {
    const { port, revoke } = await setUp();
    await revoke();
    await vi.waitFor(() => expect(port.find(claims)).toBe('session_ended'), { timeout: 10 * POLL_MS });
  });

  test("this process's own revocation is known at once", async () => {
    const { port, clock } = await setUp();
    port.learn({ kind: 'jti', value: 'j', error: 'revoked', created_at: clock.now() });
    expect(port.find(claims)).toBe('revoked');
  });

  test('two revocations of one user do not conflict, and both hold', async () => {
    const { port, revoke, clock } = await setUp();
    await revoke({ kind: 'user', value: 'u', generation: 1, error: 'revoked' });
    await revoke({ kind: 'user', value: 'u', generation: 2, except_sid: 'x', error: 'user_inactive' });
    clock.pass(STALENESS_BOUND_MS + 1);
    expect(await port.find({ ...claims, gen: 0 })).toBe('revoked');
    expect(await port.find(claims)).toBe('user_inactive');
    expect(await port.find({ ...claims, sid: 'x' })).toBeUndefined();
    expect(await port.find({ ...claims, gen: 2 })).toBeUndefined();
  });

  test('past the bound it refreshes before it answers, as a thawed function does', async () => {
    const { port, revoke, clock } = await setUp();
    await revoke();
    clock.pass(60_000);
    const answer = port.find(claims);
    expect(answer).toBeInstanceOf(Promise);
    expect(await answer).toBe('session_ended');
    expect(port.find(claims)).toBe('session_ended');
  });

  test('a revocation that becomes visible after a later one is not missed', async () => {
    const { port, revoke, clock } = await setUp();
    await revoke({ value: 'later' });
    clock.pass(STALENESS_BOUND_MS + 1);
    expect(await port.find({ ...claims, sid: 'later' })).toBe('session_ended');
    await revoke({ value: 'earlier', created_at: clock.now() - 4000 });
    clock.pass(STALENESS_BOUND_MS + 1);
    expect(await port.find({ ...claims, sid: 'earlier' })).toBe('session_ended');
  });

  test('a writer whose clock is minutes behind is late, not missed', async () => {
    const { port, revoke, clock } = await setUp();
    await revoke({ created_at: clock.now() - 300_000 });
    clock.pass(30_000);
    await vi.waitFor(async () => expect(await port.find(claims)).toBe('session_ended'));
  });

  test('a whole reading that a freeze broke is begun anew and waited for, and half of it is never taken for whole', async () => {
    const many = Array.from({ length: 2500 }, (_, n) => ({ value: `s${n}` }));
    const { port, clock, revoke, state, log } = await setUp(many);
    let frozen = false;
    state.onQuery = ({ from, cursor }) => {
      if (frozen || from !== undefined || !cursor) return;
      frozen = true;
      // ten minutes later, by a writer whose clock is behind: where the reading has been already
      clock.pass(600_000);
      void revoke({ created_at: clock.now() - 900_000 });
    };
    clock.pass(30_000);
    await vi.waitFor(() => expect(frozen).toBe(true));
    expect(await port.find(claims)).toBe('session_ended');
    expect(port.find({ ...claims, sid: 's2499' })).toBe('session_ended');
    expect(log.codes).toEqual([]);
  });

  test('readings that freezes break each time come to their end when somebody waits', async () => {
    const { port, clock, revoke, state } = await setUp();
    for (let event = 0; event < 3; event += 1) {
      state.mode = 'hang';
      clock.pass(60_000);
      await Promise.race([port.find(claims), new Promise((go) => setTimeout(go, 20))]);
      state.mode = 'up';
    }
    await revoke({ created_at: clock.now() - 300_000 });
    clock.pass(600_000);
    await vi.waitFor(async () => expect(await port.find(claims)).toBe('session_ended'), { timeout: 5_000 });
  }, 15_000);

  test('a snapshot that takes longer than the bound delays answers, and does not prevent them', async () => {
    const many = Array.from({ length: 2500 }, (_, n) => ({ value: `s${n}` }));
    const { port, clock, state } = await setUp([...many, { value: 's' }], 'away');
    state.mode = 'up';
    state.onQuery = ({ from }) => {
      if (from === undefined) clock.pass(1.5 * STALENESS_BOUND_MS);
    };
    expect(await port.find(claims)).toBe('session_ended');
  });

  test('it asks for what is new, not for all', async () => {
    const { state, clock, port } = await setUp();
    state.queries.length = 0;
    clock.pass(STALENESS_BOUND_MS + 1);
    await port.find(claims);
    expect(state.queries.every(({ from }) => from !== undefined)).toBe(true);
  });

  test('while the store is away it answers for two seconds, then unavailable, and recovers by itself', async () => {
    const { port, state, clock, log, revoke } = await setUp();
    state.mode = 'away';
    clock.pass(STALENESS_BOUND_MS);
    expect(port.find(claims)).toBeUndefined();
    clock.pass(1);
    await expect(port.find(claims)).rejects.toMatchObject({ code: 'unavailable', retryAfter: 1 });
    state.mode = 'up';
    await revoke();
    expect(await port.find(claims)).toBe('session_ended');
    expect(log.codes).toEqual(['revocations.unreadable', 'revocations.readable']);
  });

  test('a store that hangs is a store that is away', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { port, state, clock } = await setUp();
    state.mode = 'hang';
    clock.pass(STALENESS_BOUND_MS + 1);
    const answer = expect(port.find(claims)).rejects.toMatchObject({ code: 'unavailable' });
    await vi.advanceTimersByTimeAsync(STALENESS_BOUND_MS);
    await answer;
    state.mode = 'up';
    expect(await port.find(claims)).toBeUndefined();
  });

  test('a start without the store succeeds and answers unavailable until it comes', async () => {
    const { port, state } = await setUp([{}], 'away');
    await expect(port.find(claims)).rejects.toMatchObject({ code: 'unavailable' });
    state.mode = 'up';
    expect(await port.find(claims)).toBe('session_ended');
  });

  test('a clock set back does not make old knowledge fresh', async () => {
    const { port, clock, state } = await setUp();
    clock.pass(-3_600_000);
    state.mode = 'away';
    await expect(port.find(claims)).rejects.toMatchObject({ code: 'unavailable' });
    state.mode = 'up';
    expect(await port.find(claims)).toBeUndefined();
  });

  test('records expire in the store after the longest token', () => {
    const write = toRevocationWrite({ kind: 'jti', value: 'j', error: 'revoked', created_at: 1000 }, 'id');
    expect(write).toMatchObject({ kind: 'insert', id: 'jti:j:id', expires_at: 1000 + REVOCATION_LIFE_MS });
    expect(REVOCATION_LIFE_MS).toBeGreaterThanOrEqual(960_000);
  });

  test('what outlived every token is forgotten', () => {
    const set = new RevocationSet();
    for (const kind of ['jti', 'sid', 'user'] as const) {
      set.add({ kind, value: 'old', error: 'revoked', created_at: 0 });
      set.add({ kind, value: 'new', error: 'revoked', created_at: 1 });
    }
    set.add({ kind: 'user', value: 'new', generation: 1, error: 'revoked', created_at: 0 });
    set.prune(REVOCATION_LIFE_MS);
    expect(set.size).toBe(3);
    expect(set.find({ jti: 'new', sid: '', sub: '', gen: 0 })).toBe('revoked');
    expect(set.find({ jti: 'old', sid: 'old', sub: 'old', gen: 0 })).toBeUndefined();
  });
});
