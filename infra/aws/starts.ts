/**
 * What a start of each function took when it was last noted (starts.json): its zip, and the code that V8 compiles for the import, the
 * init and the first answer, in kB; the CPU of all, as a multiple of what an empty handler takes on the same machine.
 *
 * Compiled code is what ran. It is the same on each machine and in each run, which CPU is not; so it may grow by a tenth, and
 * CPU has the bound that holds beside others (infra/decisions/0065-what-a-start-may-take.md). `npm run package -- --note` notes
 * what is.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const NOTED = join(import.meta.dirname, 'starts.json');

/** What has a bound of a tenth. */
export const STEPS = ['zip', 'import', 'init', 'answer'] as const;
export type Start = Readonly<Record<(typeof STEPS)[number] | 'cpu', number>>;

export interface Starts {
  functions: Readonly<Record<string, Start>>;
  /** By function: kB of each module that its package holds or its start loads. */
  modules: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const TOLERATED = 1.1;
/** kB: a tenth of little is nothing. */
const LEAST = 8;
/** CPU of a start differs by a third from run to run on a busy machine; so of several starts the least. */
export const CPU_TOLERATED = 1.5;

/** Modules stand as text, a function a line, so that a review shows which changed: `aws4 5.1, zod 40.2`. */
const toText = (modules: Readonly<Record<string, number>>): string =>
  Object.entries(modules)
    .map(([name, size]) => `${name} ${size}`)
    .join(', ');
const fromText = (text: string): Record<string, number> =>
  Object.fromEntries(
    text.split(', ').map((each) => {
      const at = each.lastIndexOf(' ');
      return [each.slice(0, at), Number(each.slice(at + 1))] as const;
    }),
  );

const mapped = <A, B>(of: Readonly<Record<string, A>>, by: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(of).map(([name, value]) => [name, by(value)]));

export const notedStarts = (): Starts => {
  const { functions, modules } = JSON.parse(readFileSync(NOTED, 'utf8'));
  return { functions, modules: mapped(modules, fromText) };
};

const lines = (of: Readonly<Record<string, string>>): string =>
  Object.keys(of)
    .sort()
    .map((name) => `    ${JSON.stringify(name)}: ${of[name]}`)
    .join(',\n');

export const noteStarts = ({ functions, modules }: Starts): void => {
  const figures = mapped(
    functions,
    (start) => `{ ${[...STEPS, 'cpu' as const].map((step) => `"${step}": ${start[step]}`).join(', ')} }`,
  );
  const held = mapped(modules, (each) => JSON.stringify(toText(each)));
  writeFileSync(NOTED, `{\n  "functions": {\n${lines(figures)}\n  },\n  "modules": {\n${lines(held)}\n  }\n}\n`);
};

/** The steps that took too much. */
export const exceeded = (noted: Start, now: Start): (keyof Start)[] => [
  ...STEPS.filter((step) => now[step] > Math.max(noted[step] * TOLERATED, noted[step] + LEAST)),
  ...(now.cpu > noted.cpu * CPU_TOLERATED ? (['cpu'] as const) : []),
];

/** The modules that a function has more of, most first. */
export const grownModules = (
  noted: Readonly<Record<string, number>> = {},
  now: Readonly<Record<string, number>>,
): string =>
  Object.entries(now)
    .map(([name, size]) => [name, size - (noted[name] ?? 0)] as const)
    .filter(([, more]) => more >= 0.5)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 3)
    .map(([name, more]) => `${name} +${more.toFixed(1)} kB`)
    .join(', ');

const SAYS: Readonly<Record<keyof Start, string>> = {
  zip: 'zip, kB',
  import: 'import, kB of compiled code',
  init: 'init, kB of compiled code',
  answer: 'first answer, kB of compiled code',
  cpu: 'CPU of a start, times that of an empty handler',
};

/** A line for each step of each function that takes more than its budget, with the modules that grew. New functions have none yet. */
export const overBudget = (noted: Starts, now: Starts): string[] =>
  Object.entries(now.functions).flatMap(([name, start]) => {
    const before = noted.functions[name];
    if (!before) return [`${name} has no budget: note it by "npm run package -- --note"`];
    const grown = grownModules(noted.modules[name], now.modules[name] ?? {});
    return exceeded(before, start).map(
      (step) =>
        `${name} ${SAYS[step]}: ${before[step]} → ${start[step]} (${grown || 'no module has more: more of what was there runs'}): make it less, or note it by "npm run package -- --note"`,
    );
  });
