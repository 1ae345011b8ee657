import { describe, expect, test } from 'vitest';
import { exceeded, grownModules, notedStarts, overBudget, type Start } from '../../infra/aws/starts.ts';
import { lambdaFunctions } from '../../infra/generate/platform.ts';
import { firstEvent } from '../cloud/first-event.ts';

const NOTED: Start = { zip: 100, import: 400, init: 150, answer: 50, cpu: 4 };

describe('the budget of a start', () => {
  test('is a tenth of each step, a few kB of a small one, and half as much CPU again', () => {
    expect(exceeded(NOTED, NOTED)).toEqual([]);
    expect(exceeded(NOTED, { zip: 110, import: 440, init: 165, answer: 58, cpu: 6 })).toEqual([]);
    expect(exceeded(NOTED, { zip: 110.1, import: 440.1, init: 165.1, answer: 58.1, cpu: 6.1 })).toEqual([
      ...['zip', 'import', 'init', 'answer', 'cpu'],
    ]);
    expect(exceeded(NOTED, { ...NOTED, import: 300, cpu: 1 })).toEqual([]);
  });

  test('names the modules that grew, most first, and what is new', () => {
    const before = { zod: 50, 'shared/kit': 20 };
    expect(grownModules(before, { zod: 50.2, 'shared/kit': 23, '@aws-sdk/client-ses': 90 })).toBe(
      '@aws-sdk/client-ses +90.0 kB, shared/kit +3.0 kB',
    );
    const noted = { functions: { f: NOTED }, modules: { f: before } };
    const now = { functions: { f: { ...NOTED, import: 500 } }, modules: { f: { ...before, 'cel-js': 40 } } };
    expect(overBudget(noted, now)).toEqual([
      'f import, kB of compiled code: 400 → 500 (cel-js +40.0 kB): make it less, or note it by "npm run package -- --note"',
    ]);
    expect(overBudget(noted, { ...now, modules: { f: before } })[0]).toContain('more of what was there runs');
  });

  test('is asked for of a function that has none', () => {
    expect(overBudget({ functions: {}, modules: {} }, { functions: { f: NOTED }, modules: {} })).toEqual([
      'f has no budget: note it by "npm run package -- --note"',
    ]);
  });

  test('is there for each function, and for no other', () => {
    const { functions, modules } = notedStarts();
    const names = lambdaFunctions.map(({ name }) => name).sort();
    expect(Object.keys(functions)).toEqual(names);
    expect(Object.keys(modules)).toEqual(names);
    for (const held of Object.values(modules)) {
      expect(held).not.toEqual({});
      for (const size of Object.values(held)) expect(size).toBeGreaterThan(0);
    }
  });
});

test('the first event of a function is always the same', () => {
  const steady = (of: (typeof lambdaFunctions)[number]) =>
    JSON.stringify(firstEvent(of, 'token')).replace(
      /"(requestId|timeEpoch|SentTimestamp|\w+ReceiveTimestamp)":("[^"]*"|\d+)/g,
      '',
    );
  for (const of of lambdaFunctions) expect(steady(of)).toBe(steady(of));
});
