/** `npm run cost`: what a deployment costs, from counted calls and the price list; `-- --count` counts again (a minute). */
import { changed, readCounts, writeCounts } from './counts.ts';
import { REGION } from './prices.ts';
import { beside, costs, plain, profile, services } from './tables.ts';

/** Packages the functions, runs them on the emulators, and notes what they did. */
const count = async (): Promise<void> => {
  const { serverlessPackage } = await import('../package.ts');
  const { countAll } = await import('../../test/cloud/counting.ts');
  const { deployStack } = await import('../../test/cloud/stack.ts');
  const { meter } = await import('../../test/cloud/meter.ts');
  await serverlessPackage();
  const metered = meter();
  const stack = await deployStack({ meter: metered });
  try {
    const counts = await countAll(stack, metered);
    for (const line of changed(readCounts(), counts)) console.log(line);
    writeCounts(counts);
  } finally {
    await stack.close();
  }
};

if (process.argv.includes('--count')) await count();
const counts = readCounts();
console.log(`AWS ${REGION}, list prices without free allowances (docs/cost.md says which, when read, and what is not in them).
In a month each active user: ${profile()}.\n`);
const plainly = (rows: readonly (readonly string[])[]) =>
  plain(rows.map((row) => row.map((cell) => cell.replace(/\*\*|\[(.*)\]\(.*\)/g, '$1'))));
for (const rows of [costs(counts), services(counts), beside(counts)]) console.log(`${plainly(rows)}\n`);
