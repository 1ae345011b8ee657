import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  consistentHash,
  leastConnections,
  nearest,
  policy,
  randomly,
  roundRobin,
} from '../../../shared/calls/discovery/policies.ts';

const instance = (address: string, calls = 0, weight?: number) => ({ address, calls, ...(weight && { weight }) });
const addresses = fc.uniqueArray(
  fc.tuple(fc.ipV4(), fc.integer({ min: 1, max: 65_535 })).map(([host, port]) => `${host}:${port}`),
  { minLength: 1, maxLength: 12 },
);
const keys = fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 60 });
const spread = (chosen: string[]) => {
  const counts = new Map<string, number>();
  for (const each of chosen) counts.set(each, (counts.get(each) ?? 0) + 1);
  return [...counts.values()];
};

describe('round_robin', () => {
  test('gives each of n instances k of k·n calls, wherever the counter stands', () => {
    fc.assert(
      fc.property(addresses, fc.nat(50), fc.integer({ min: 1, max: 10 }), (all, before, rounds) => {
        const choose = roundRobin();
        const instances = all.map((address) => instance(address));
        for (let call = 0; call < before; call++) choose(instances, '');
        const chosen = Array.from({ length: rounds * all.length }, () => choose(instances, '').address);
        expect(spread(chosen)).toEqual(all.map(() => rounds));
      }),
    );
  });

  test('passes nobody over when instances come and go: each round over a set is whole', () => {
    fc.assert(
      fc.property(fc.array(addresses, { minLength: 1, maxLength: 8 }), (sets) => {
        const choose = roundRobin();
        for (const all of sets) {
          const instances = all.map((address) => instance(address));
          expect(new Set(all.map(() => choose(instances, '').address))).toEqual(new Set(all));
        }
      }),
    );
  });

  test('takes instances in their order, and counts for itself', () => {
    const instances = ['a', 'b', 'c'].map((address) => instance(address));
    const [one, other] = [roundRobin(), roundRobin()];
    expect(Array.from({ length: 5 }, () => one(instances, '').address)).toEqual(['a', 'b', 'c', 'a', 'b']);
    expect(other(instances, '').address).toBe('a');
  });
});

describe('random', () => {
  test('reaches each instance by its share of the numbers from 0 to 1', () => {
    fc.assert(
      fc.property(addresses, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (all, number) => {
        const instances = all.map((address) => instance(address));
        expect(randomly(() => number)(instances, '').address).toBe(all[Math.floor(number * all.length)]);
      }),
    );
  });
});

describe('least_connections', () => {
  test('takes one that has no more calls in flight than any other', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5), { minLength: 1, maxLength: 10 }), fc.nat(20), (calls, before) => {
        const instances = calls.map((each, at) => instance(String(at), each));
        const choose = leastConnections();
        for (let call = 0; call < before; call++) choose(instances, '');
        expect(choose(instances, '').calls).toBe(Math.min(...calls));
      }),
    );
  });

  test('takes equals in turn', () => {
    const instances = [instance('busy', 3), instance('a'), instance('b')];
    const choose = leastConnections();
    expect(Array.from({ length: 4 }, () => choose(instances, '').address)).toEqual(['a', 'b', 'a', 'b']);
  });
});

describe('consistent_hash', () => {
  const places = (all: string[], wanted: string[]) => {
    const choose = consistentHash();
    const instances = all.map((address) => instance(address));
    return new Map(wanted.map((key) => [key, choose(instances, key).address]));
  };

  test('gives a key the same instance, in every process and whatever the order', () => {
    fc.assert(
      fc.property(addresses, keys, fc.nat(), (all, wanted, turn) => {
        const turned = [...all.slice(turn % all.length), ...all.slice(0, turn % all.length)];
        expect(places(turned, wanted)).toEqual(places(all, wanted));
      }),
    );
    expect(Object.fromEntries(places(['10.0.0.1:50051', '10.0.0.2:50051'], ['ada', 'bob', 'eve', 'joe']))).toEqual({
      ada: '10.0.0.2:50051',
      bob: '10.0.0.1:50051',
      eve: '10.0.0.1:50051',
      joe: '10.0.0.2:50051',
    });
  });

  test('moves only the keys of an instance that goes', () => {
    fc.assert(
      fc.property(addresses, keys, fc.nat(), (all, wanted, which) => {
        fc.pre(all.length > 1);
        const gone = all[which % all.length]!;
        const before = places(all, wanted);
        const after = places(
          all.filter((address) => address !== gone),
          wanted,
        );
        for (const key of wanted) if (before.get(key) !== gone) expect(after.get(key)).toBe(before.get(key));
      }),
    );
  });

  test('moves keys only to an instance that comes, about its share of them', () => {
    const all = Array.from({ length: 9 }, (_, at) => `10.0.0.${at}:50051`);
    const wanted = Array.from({ length: 3_000 }, (_, at) => `user-${at}`);
    const [before, after] = [places(all, wanted), places([...all, 'new:1'], wanted)];
    const moved = wanted.filter((key) => after.get(key) !== before.get(key));
    expect(new Set(moved.map((key) => after.get(key)))).toEqual(new Set(['new:1']));
    expect(moved.length / wanted.length).toBeGreaterThan(0.07);
    expect(moved.length / wanted.length).toBeLessThan(0.13);
    for (const count of spread([...after.values()])) expect(count).toBeGreaterThan(220);
  });
});

describe('weights', () => {
  const weighted = [instance('a', 0, 3), instance('b'), instance('c', 0, 2)];
  const shares = (choose: ReturnType<typeof roundRobin>, calls: number) => {
    const counts: Record<string, number> = { a: 0, b: 0, c: 0 };
    for (let call = 0; call < calls; call++) counts[choose(weighted, `user-${call}`).address]! += 1;
    return counts;
  };

  test('say how often whose turn it is, spread and not in a row', () => {
    expect(shares(roundRobin(), 600)).toEqual({ a: 300, b: 100, c: 200 });
    const choose = roundRobin();
    const turns = Array.from({ length: 60 }, () => choose(weighted, '').address).join('');
    expect(turns).not.toMatch(/a{4}|c{3}|bb/);
  });

  test('of any size reach everybody, each about by its part', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(weights, (all) => {
        const choose = roundRobin();
        const instances = all.map((weight, at) => instance(String(at), 0, weight));
        const sum = all.reduce((one, other) => one + other);
        const counts = all.map(() => 0);
        for (let call = 0; call < 20 * sum; call++) counts[Number(choose(instances, '').address)]! += 1;
        for (const [at, weight] of all.entries())
          expect(Math.abs(counts[at]! - 20 * weight)).toBeLessThan(2 + 0.1 * 20 * weight);
      }),
    );
  });

  test('say the shares of random calls, of keys, and of calls in flight', () => {
    let turn = 0;
    expect(
      shares(
        randomly(() => (turn++ % 6) / 6),
        600,
      ),
    ).toEqual({ a: 300, b: 100, c: 200 });
    const keyed = shares(consistentHash(), 6_000);
    expect([Math.round(keyed.a! / 500), Math.round(keyed.b! / 500), Math.round(keyed.c! / 500)]).toEqual([6, 2, 4]);
    expect(leastConnections()([instance('a', 5, 3), instance('b', 2)], '').address).toBe('a');
  });

  test('move only keys to the instance whose weight rose', () => {
    const choose = consistentHash();
    const heavier = weighted.map((each) => (each.address === 'b' ? { ...each, weight: 2 } : each));
    for (let user = 0; user < 2_000; user++) {
      const [before, after] = [choose(weighted, `user-${user}`), choose(heavier, `user-${user}`)];
      if (after.address !== before.address) expect(after.address).toBe('b');
    }
  });
});

describe('bounded load', () => {
  const names = ['a', 'b', 'c', 'd'];

  test('a key that everybody asks for overflows to the next instance of its order, and the rest stay where they are', () => {
    const choose = consistentHash();
    const calls = Object.fromEntries(names.map((name) => [name, 0]));
    const now = () => names.map((name) => instance(name, calls[name]!));
    const home = choose(now(), 'everybody').address;
    for (let call = 0; call < 400; call++) calls[choose(now(), 'everybody').address]! += 1;
    // a quarter of 400 is 100, and 1.25 times that is the most
    expect(calls[home]).toBe(125);
    expect(Object.values(calls).filter((count) => count > 0).length).toBe(4);
    expect(Math.max(...Object.values(calls))).toBeLessThanOrEqual(126);
  });

  test('whatever is in flight, the chosen one has no more than 1.25 times its share, or a few', () => {
    const flying = fc.array(fc.tuple(fc.nat(200), fc.integer({ min: 1, max: 5 })), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(flying, fc.string(), (all, key) => {
        const instances = all.map(([calls, weight], at) => instance(String(at), calls, weight));
        const sum = all.reduce((total, [calls]) => total + calls, 1);
        const weights = all.reduce((total, [, weight]) => total + weight, 0);
        const { calls, weight = 1 } = consistentHash()(instances, key);
        expect(calls).toBeLessThan(Math.max(8, Math.ceil((1.25 * sum * weight) / weights)));
      }),
    );
  });

  test('in quiet times a user stays with his instance, also with several calls at once', () => {
    const choose = consistentHash();
    const home = choose(
      names.map((name) => instance(name)),
      'ada',
    ).address;
    const busy = names.map((name) => instance(name, name === home ? 7 : 0));
    expect(choose(busy, 'ada').address).toBe(home);
  });
});

test('instances in the own zone are preferred, where there are any', () => {
  const all = [
    { address: 'a', calls: 0, zone: 'eu-1a' },
    { address: 'b', calls: 0, zone: 'eu-1b' },
    { address: 'c', calls: 0 },
  ];
  expect(nearest(all, 'eu-1b').map(({ address }) => address)).toEqual(['b']);
  expect(nearest(all, 'eu-1c')).toBe(all);
  expect(nearest(all, undefined)).toBe(all);
});

test('each policy is had by its name', () => {
  const instances = [instance('a', 1), instance('b')];
  const names = ['round_robin', 'random', 'least_connections', 'consistent_hash'] as const;
  const chosen = names.map((name) => policy(name, () => 0.99)(instances, 'key').address);
  expect(chosen.slice(0, 3)).toEqual(['a', 'b', 'b']);
});
