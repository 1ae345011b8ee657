/** Starts each packaged function and tells what that takes. Their processes stay for what comes. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exceeded, type Start, type Starts } from '../../infra/aws/starts.ts';
import { modulesOf } from '../../infra/aws/weights.ts';
import { lambdaFunctions } from '../../infra/generate/platform.ts';
import { firstEvent } from './first-event.ts';
import { type MeasuredStart, startFunction } from './runtime.ts';
import { deployStack, type Stack } from './stack.ts';

/** So many at a time, and tries of one that is over its budget: others on the machine only add. */
const AT_ONCE = 2;
const TRIES = 5;

const kB = (bytes: number): number => Math.round(bytes / 100) / 10;

/** What a start of a handler takes that does nothing. */
const emptyStart = async (folder: string): Promise<MeasuredStart> => {
  const [file, event] = [join(folder, 'empty.mjs'), join(folder, 'event.json')];
  writeFileSync(file, "export const handler = async () => ({ statusCode: 200, body: '{}' });\n");
  writeFileSync(event, '{}');
  const running = await startFunction(file, { EVENT_FILE: event });
  try {
    return await running.measured();
  } finally {
    await running.close();
  }
};

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;
const least = (one: Start, two: Start): Start =>
  Object.fromEntries(
    Object.entries(one).map(([name, value]) => [name, Math.min(value, two[name as keyof Start])]),
  ) as unknown as Start;

/** Packages that are loaded from beside the bundle: the SDK. */
const beside = (loaded: MeasuredStart['loaded']): Record<string, number> => {
  const sizes: Record<string, number> = {};
  for (const [url, bytes] of Object.entries(loaded)) {
    const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url) ?? [];
    if (name) sizes[name] = (sizes[name] ?? 0) + bytes;
  }
  return sizes;
};

/** Does for all, so many at a time. */
const all = async <T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> => {
  const left = [...items];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
    }),
  );
};

/** @param noted what starts took before: what takes more is tried again */
export const measureStarts = async (stack: Stack, noted?: Starts): Promise<Starts> => {
  const bare: number[] = [];
  const functions: Record<string, Start> = {};
  const modules: Record<string, Record<string, number>> = {};
  const refused: string[] = [];
  const keys = stack.functions.map(({ key }) => key);

  const measure = async (key: string): Promise<Start> => {
    const own = join(stack.folder, `${key}.json`);
    const { zip } = stack.files.get(key)!;
    writeFileSync(
      own,
      JSON.stringify(firstEvent(lambdaFunctions.find(({ name }) => name === key)!, stack.world.service_token)),
    );
    const { steps, cpu_ms, loaded, status, thrown } = await stack.start(key, own);
    if (thrown || (status ?? 0) >= 500) refused.push(`${key}: ${thrown ?? status}`);
    const held = Object.entries({ ...modulesOf(key), ...beside(loaded) }).filter(([, bytes]) => bytes >= 1_000);
    modules[key] = Object.fromEntries(held.map(([name, bytes]) => [name, kB(bytes)] as const).sort());
    const code = (step: keyof MeasuredStart['steps']) => kB(steps[step].code);
    return { zip: kB(zip), import: code('import'), init: code('init'), answer: code('answer'), cpu: cpu_ms };
  };

  await all(keys, async (key) => {
    // among the others, so that it has the same neighbours
    if (keys.indexOf(key) % 8 === 0) bare.push((await emptyStart(stack.folder)).cpu_ms);
    functions[key] = await measure(key);
  });
  const times = (start: Start): Start => ({ ...start, cpu: Math.round((start.cpu / median(bare)) * 10) / 10 });
  for (const [key, start] of Object.entries(functions)) functions[key] = times(start);
  const over = noted
    ? keys.filter((key) => noted.functions[key] && exceeded(noted.functions[key], functions[key]!).length > 0)
    : [];
  await all(over, async (key) => {
    for (let n = 1; n < TRIES && exceeded(noted!.functions[key]!, functions[key]!).length > 0; n++) {
      functions[key] = least(functions[key]!, times(await measure(key)));
    }
  });
  if (refused.length) throw new Error(`starts that failed: ${refused.join(', ')}`);
  return { functions, modules };
};

/** Of what was packaged last, in a stack of its own. */
export const startsOfPackage = async (): Promise<Starts> => {
  const stack = await deployStack();
  try {
    return await measureStarts(stack);
  } finally {
    await stack.close();
  }
};
