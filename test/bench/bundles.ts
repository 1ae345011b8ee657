/** What a packaged function weighs, and how long a new process takes to import it. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Bundle, bundlesIn, MAX_BUNDLE } from '../../infra/aws/bundles.ts';
import { PACKAGE, serverlessPackage } from '../../infra/package.ts';
import { type Bench, median, ms, type Row } from './bench.ts';
import { withFolder } from './platform.ts';

const IMPORTS = 5;
const IMPORT_MS = 40;

const kB = (bytes: number): string => `${(bytes / 1_000).toFixed(1)} kB`;

/** Names that bundles import from the AWS SDK, by package. */
const fromSdk = (sources: readonly string[]): Map<string, Set<string>> => {
  const found = new Map<string, Set<string>>();
  for (const source of sources) {
    for (const [, names, name] of source.matchAll(/import\s*\{([^}]*)\}\s*from\s*"(@(?:aws-sdk|smithy)\/[^"]+)"/g)) {
      const known = found.get(name!) ?? new Set();
      found.set(name!, known);
      for (const each of names!.split(',')) known.add(each.trim().split(/\s+as\s+/)[0]!);
    }
  }
  return found;
};

/** The SDK comes with the runtime, and what it takes there is not ours: empty classes stand in for it. */
const standIn = (folder: string, name: string, names: ReadonlySet<string>): void => {
  const at = join(folder, 'node_modules', name);
  mkdirSync(at, { recursive: true });
  writeFileSync(join(at, 'package.json'), '{"type":"module","exports":"./index.js"}');
  writeFileSync(join(at, 'index.js'), [...names].map((each) => `export class ${each} {}`).join('\n'));
};

/** Writes the files of all bundles; gives those of the functions. */
const unpack = (folder: string, bundles: readonly Bundle[]): string[] => {
  for (const { name, content } of bundles.flatMap(({ files }) => files)) {
    mkdirSync(join(folder, dirname(name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  const sources = bundles.flatMap(({ files }) => files.map(({ content }) => content.toString()));
  for (const [name, names] of fromSdk(sources)) standIn(folder, name, names);
  return bundles.map(({ name }) => join(folder, `functions/lambda/${name}.mjs`));
};

/**
 * Milliseconds of one import in a new process; what went wrong when there was none.
 *
 * Of the clock or of the processor, whichever is less: others on the machine lengthen the one, threads beside the
 * importing one the other.
 */
const importOnce = (file: string): number | string => {
  const url = JSON.stringify(pathToFileURL(file).href);
  const script = `const [started, before] = [performance.now(), process.cpuUsage()];
    await import(${url});
    const [taken, { user, system }] = [performance.now() - started, process.cpuUsage(before)];
    console.log(Math.min(taken, (user + system) / 1000));
    process.exit();`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  const taken = Number.parseFloat(stdout.trim().split('\n').at(-1)!);
  return Number.isFinite(taken) ? taken : (/^\w*Error.*$/m.exec(stderr)?.[0] ?? 'no answer');
};

/** Milliseconds of an import, the median of some. */
const importMs = (file: string): number | string => {
  const taken: number[] = [];
  for (let n = 0; n < IMPORTS; n += 1) {
    const once = importOnce(file);
    if (typeof once === 'string') return once;
    taken.push(once);
  }
  return median(taken);
};

/** The slowest import, and every function that can't be imported at all. */
const importRows = (files: readonly string[]): Row[] => {
  const found = files.map((file) => ({ name: basename(file, '.mjs'), taken: importMs(file) }));
  const bound = `< ${IMPORT_MS} ms`;
  const broken = found.filter(({ taken }) => typeof taken === 'string');
  const timed = found.filter((each): each is { name: string; taken: number } => typeof each.taken === 'number');
  const slowest = timed.reduce((worst, each) => (each.taken > worst.taken ? each : worst), { name: 'none', taken: 0 });
  return [
    {
      what: `slowest import of ${timed.length} bundles in a new process`,
      measured: `${ms(slowest.taken)} (${slowest.name})`,
      baseline: '',
      bound,
      ok: slowest.taken < IMPORT_MS,
    },
    ...broken.map(({ name, taken }) => ({
      what: `import of ${name}`,
      measured: `${taken}`,
      baseline: '',
      bound,
      ok: false,
    })),
  ];
};

export const bench: Bench = {
  name: 'bundles',
  run: async () => {
    await serverlessPackage();
    const bundles = bundlesIn(PACKAGE);
    const { name, size } = bundles[0]!;
    const imports = await withFolder(async (folder) => importRows(unpack(folder, bundles)));
    return [
      {
        what: `largest of ${bundles.length} bundles, without the AWS SDK`,
        measured: `${kB(size)} (${name})`,
        baseline: '',
        bound: `< ${kB(MAX_BUNDLE)}`,
        ok: size < MAX_BUNDLE,
      },
      ...imports,
    ];
  },
};
