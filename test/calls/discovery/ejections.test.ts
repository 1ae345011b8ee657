import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EJECT_AFTER, EJECT_MS, Ejections } from '../../../shared/calls/discovery/ejections.ts';

const rig = (...addresses: string[]) => {
  let now = 1_000_000;
  const ejections = new Ejections(() => now);
  const all = addresses.map((address) => ({ address, calls: 0 }));
  return {
    ejections,
    fail: (address: string, times = 1) => Array.from({ length: times }, () => ejections.failed(address)),
    left: () => ejections.remaining(all).map(({ address }) => address),
    pass: (ms: number) => {
      now += ms;
    },
  };
};

describe('an instance', () => {
  test('is out after three failures in a row, and that is told once', () => {
    const { fail, left } = rig('a', 'b');
    expect(fail('a', 2)).toEqual([false, false]);
    expect(left()).toEqual(['a', 'b']);
    expect(fail('a', 3)).toEqual([true, false, false]);
    expect(left()).toEqual(['b']);
  });

  test('stays when a success stands between failures', () => {
    const { ejections, fail, left } = rig('a', 'b');
    for (let round = 0; round < 5; round++) {
      fail('a', 2);
      ejections.succeeded('a');
    }
    expect(left()).toEqual(['a', 'b']);
  });

  test('has a new chance after 30 seconds, with all of its three tries', () => {
    const { fail, left, pass } = rig('a', 'b');
    fail('a', 3);
    pass(EJECT_MS - 1);
    expect(left()).toEqual(['b']);
    pass(1);
    expect(left()).toEqual(['a', 'b']);
    expect(fail('a', 3)).toEqual([false, false, true]);
    expect(left()).toEqual(['b']);
  });

  test('alone is never out', () => {
    const { fail, left } = rig('a');
    fail('a', 10);
    expect(left()).toEqual(['a']);
  });

  test('that is gone is forgotten', () => {
    const { ejections, fail, left } = rig('a', 'b');
    fail('a', 3);
    ejections.forget('a');
    expect(left()).toEqual(['a', 'b']);
  });
});

test('at most half are out, those that were ejected last', () => {
  const { fail, left } = rig('a', 'b', 'c');
  fail('a', 3);
  fail('b', 3);
  expect(left()).toEqual(['a', 'c']);
});

test('whatever happens, half stay, and an instance is out only for three failures in a row within 30 seconds', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const step = fc.record({ address: fc.constantFrom(...names), ok: fc.boolean(), ms: fc.nat(12_000) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.subarray(names, { minLength: 1 }), (steps, present) => {
      const { ejections, left, pass } = rig(...present);
      const row = new Map<string, number>();
      let now = 0;
      const lastThird = new Map<string, number>();
      for (const { address, ok, ms } of steps) {
        pass(ms);
        now += ms;
        row.set(address, ok ? 0 : (row.get(address) ?? 0) + 1);
        if (row.get(address)! >= EJECT_AFTER) lastThird.set(address, now);
        if (ok) ejections.succeeded(address);
        else ejections.failed(address);
        const stay = left();
        expect(stay.length).toBeGreaterThanOrEqual(Math.ceil(present.length / 2));
        for (const out of present.filter((each) => !stay.includes(each)))
          expect(now - (lastThird.get(out) ?? Number.NEGATIVE_INFINITY)).toBeLessThan(EJECT_MS);
      }
    }),
  );
});
