/** `npm run check`: types, lint and format, generated files, events, and the structure of the house. One line a step; what failed is shown. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { offences } from './checks/boundaries.ts';
import { importCircles } from './checks/circles.ts';
import { floorOffences } from './checks/floors.ts';
import { importsOfProject } from './checks/imports.ts';
import { decisionOffences, roomOffences, sharingOffences, strayOffences } from './checks/places.ts';
import { siblingOffences } from './checks/siblings.ts';
import { ROOT, staleFiles } from './generate/files.ts';
import { toolPath } from './tools.ts';

interface Step {
  name: string;
  /** What is wrong; empty when nothing is. */
  run(): string | Promise<string>;
}

const program =
  (path: string, ...args: string[]) =>
  (): string => {
    const { status, stdout, stderr, error } = spawnSync(path, args, {
      cwd: ROOT,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    if (status === 0) return '';
    return `${stdout ?? ''}${stderr ?? ''}`.trim() || error?.message || `${path} ended with ${status}`;
  };

const generated = async (): Promise<string> => {
  const { generateAll, OWNED } = await import('./generate/index.ts');
  const stale = staleFiles(await generateAll(), OWNED);
  return stale.map((path) => `${path} is stale: run "npm run generate"`).join('\n');
};

const events = async (): Promise<string> => {
  const { brokenEvents } = await import('./generate/event-baseline.ts');
  return brokenEvents().join('\n');
};

const shape = async (): Promise<string> => {
  const { previousRelease, shapeOffences } = await import('./checks/shape.ts');
  const { schema } = await import('../functions/index.ts');
  const { changes } = await import('../functions/schema-changes.ts');
  return shapeOffences(previousRelease(), schema, changes).join('\n');
};

const floors = (): string[] => {
  const imports = importsOfProject();
  return [...floorOffences(imports), ...importCircles(imports)];
};

const STEPS: readonly Step[] = [
  { name: 'types', run: program(join(ROOT, 'node_modules/.bin/tsc'), '-p', '.') },
  { name: 'lint and format', run: () => program(toolPath('biome'), 'check', '--error-on-warnings', '.')() },
  { name: 'generated files', run: generated },
  { name: 'published events', run: events },
  { name: 'shape of what is kept', run: shape },
  { name: 'boundaries', run: () => offences().join('\n') },
  { name: 'floors and circles', run: () => floors().join('\n') },
  {
    name: 'names left out of functions',
    run: async () => (await import('./checks/left-out.ts')).leftOutOffences().join('\n'),
  },
  {
    name: 'errors without a case',
    run: async () => (await (await import('./checks/errors.ts')).uncoveredErrors()).join('\n'),
  },
  {
    name: 'degradation',
    run: async () => (await import('./checks/degradation.ts')).degradationOffences().join('\n'),
  },
  { name: 'log codes', run: async () => (await import('./checks/logs.ts')).logOffences().join('\n') },
  {
    name: 'siblings and places',
    run: () =>
      [siblingOffences, strayOffences, roomOffences, sharingOffences, decisionOffences]
        .flatMap((offences) => offences())
        .join('\n'),
  },
];

for (const { name, run } of STEPS) {
  const started = performance.now();
  const wrong = await Promise.resolve()
    .then(run)
    .catch((thrown: unknown) => String(thrown));
  const ms = Math.round(performance.now() - started);
  console.log(`${wrong ? 'failed' : 'ok    '}  ${name} (${ms} ms)`);
  if (!wrong) continue;
  console.error(wrong);
  process.exitCode = 1;
}
