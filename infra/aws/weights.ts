/**
 * What each function weighed when it was last noted (weights.json, kB), and which modules grew since. `npm run package` fails
 * where a function grew by more than a tenth; `npm run package -- --note` notes what is. What a start takes: starts.ts.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Metafile, Plugin } from 'esbuild';

const ROOT = join(import.meta.dirname, '../..');
/** Where builds leave what they took in, a file for each function. */
const CACHE = join(ROOT, 'node_modules/.cache/perfect21/weights');
export const NOTED = join(ROOT, 'infra/aws/weights.json');
/** What a function may grow by before somebody has to look. */
const TOLERATED = 1.1;

export interface Weights {
  functions: Readonly<Record<string, number>>;
  /** The most that a package, or a room of ours, has in any function. */
  modules: Readonly<Record<string, number>>;
}

/** `node_modules/@a/b/c.js` → `@a/b`; `shared/store/dynamodb/x.ts` → `shared/store/dynamodb` */
export const moduleOf = (input: string): string => {
  const [, own] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input) ?? [];
  return own ?? input.split('/').slice(0, -1).join('/');
};

const bytesIn = (outputs: Metafile['outputs']): Record<string, number> => {
  const modules: Record<string, number> = {};
  for (const [output, { inputs }] of Object.entries(outputs)) {
    // parts that wait for their first use have files of their own
    if (!/\.mjs$/.test(output)) continue;
    for (const [input, { bytesInOutput }] of Object.entries(inputs)) {
      const name = moduleOf(input);
      modules[name] = (modules[name] ?? 0) + bytesInOutput;
    }
  }
  return modules;
};

/** Leaves what a build took in. */
export const weighed: Plugin = {
  name: 'weighed',
  setup({ initialOptions, onEnd }) {
    const [entry] = Array.isArray(initialOptions.entryPoints) ? initialOptions.entryPoints : [];
    if (typeof entry !== 'string') return;
    initialOptions.metafile = true;
    onEnd(({ metafile }) => {
      if (!metafile) return;
      mkdirSync(CACHE, { recursive: true });
      writeFileSync(join(CACHE, `${basename(entry, '.ts')}.json`), JSON.stringify(bytesIn(metafile.outputs)));
    });
  },
};

/** Before a package is made, so that nothing older is read. */
export const forgetWeights = (): void => rmSync(CACHE, { recursive: true, force: true });

/** Bytes of each module in a function's package, as its build left them. */
export const modulesOf = (name: string): Record<string, number> =>
  JSON.parse(readFileSync(join(CACHE, `${name}.json`), 'utf8'));

const kB = (bytes: number): number => Math.round(bytes / 100) / 10;

/** What a package weighs. */
export const weightsOf = (bundles: readonly { name: string; size: number }[]): Weights => {
  const most: Record<string, number> = {};
  for (const file of readdirSync(CACHE)) {
    const modules: Record<string, number> = JSON.parse(readFileSync(join(CACHE, file), 'utf8'));
    for (const [name, bytes] of Object.entries(modules)) most[name] = Math.max(most[name] ?? 0, bytes);
  }
  const sorted = (of: [string, number][]) =>
    Object.fromEntries(of.map(([name, bytes]) => [name, kB(bytes)] as const).sort());
  return {
    functions: sorted(bundles.map(({ name, size }) => [name, size])),
    modules: sorted(Object.entries(most).filter(([, bytes]) => bytes >= 500)),
  };
};

export const notedWeights = (): Weights => JSON.parse(readFileSync(NOTED, 'utf8'));
export const noteWeights = (weights: Weights): void => writeFileSync(NOTED, `${JSON.stringify(weights, null, 2)}\n`);

/** The modules that grew most, for a message. */
const grown = (noted: Weights, now: Weights): string =>
  Object.entries(now.modules)
    .map(([name, size]) => [name, size - (noted.modules[name] ?? 0)] as const)
    .filter(([, more]) => more >= 0.5)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 3)
    .map(([name, more]) => `${name} +${more.toFixed(1)} kB`)
    .join(', ');

/** A line for each function that grew by more than a tenth, with the modules that did. New functions grew from nothing. */
export const growth = (noted: Weights, now: Weights): string[] =>
  Object.entries(now.functions).flatMap(([name, size]) => {
    const before = noted.functions[name];
    if (before === undefined || size <= before * TOLERATED) return [];
    return [
      `${name} grew from ${before} to ${size} kB (${grown(noted, now) || 'of many modules a little'}): make it smaller, or note it by "npm run package -- --note"`,
    ];
  });
