import { describe, expect, test } from 'vitest';
import { shareOf } from '../../../shared/doors/fairness/share.ts';
import { Turns } from '../../../shared/doors/fairness/turns.ts';

/** Each piece of work takes a millisecond of a clock in our hands. */
const rig = () => {
  let at = 1;
  const begun: string[] = [];
  const turns = new Turns(() => at);
  const work = (name: string) => () => {
    at += 1;
    begun.push(name);
  };
  return { turns, begun, work };
};

describe('turns', () => {
  test('are taken at once while there is little to do', () => {
    const { turns, begun, work } = rig();
    const one = {};
    for (const name of ['a', 'b']) turns.take(one, work(name));
    expect(begun).toEqual(['a', 'b']);
  });

  test('go round the connections: one request waits for one of each other, not for all of theirs', async () => {
    const { turns, begun, work } = rig();
    const greedy = Array.from({ length: 10 }, () => ({}));
    for (const [n, each] of greedy.entries()) for (let i = 0; i < 100; i += 1) turns.take(each, work(`greedy ${n}`));
    const polite = {};
    turns.take(polite, work('polite'));
    await expect.poll(() => begun.length, { interval: 1 }).toBe(1_001);
    expect(begun.indexOf('polite')).toBeLessThan(20);
    expect(begun.filter((name) => name === 'greedy 9')).toHaveLength(100);
  });

  test('do not let those who send many keep those waiting who send little', async () => {
    const { turns, begun, work } = rig();
    const greedy = Array.from({ length: 100 }, () => ({}));
    for (const [n, each] of greedy.entries()) for (let i = 0; i < 10; i += 1) turns.take(each, work(`greedy ${n}`));
    const before = begun.length;
    const polite = {};
    for (let i = 0; i < 3; i += 1) turns.take(polite, work('polite'));
    await expect.poll(() => begun.length, { interval: 1 }).toBe(1_003);
    expect(begun.lastIndexOf('polite')).toBeLessThan(before + 10);
    expect(begun.filter((name) => name === 'greedy 99')).toHaveLength(10);
  });

  test('let the loop look at its sockets between slices', async () => {
    const { turns, begun, work } = rig();
    const one = {};
    for (let i = 0; i < 200; i += 1) turns.take(one, work('x'));
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(begun.length).toBeLessThan(30);
    await expect.poll(() => begun.length, { interval: 1 }).toBe(200);
  });
});

describe('the share of a connection', () => {
  const bounds = { most: 100, in_all: 2_000, least: 8 };
  test.each([
    [1, 100],
    [20, 100],
    [21, 50],
    [100, 12],
    [10_000, 8],
  ])('of %i is %i', (connections, share) => expect(shareOf(connections, bounds)).toBe(share));
});
