/**
 * How long a container of the platform takes until its pod would be ready: from the start of the program to the first 200 of
 * `/readyz`, all five services on an empty folder and nothing compiled before, as in a pod that is new.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { assemble } from '../../infra/container/assemble.ts';
import { inTree, startContainer } from '../support/container.ts';
import { type Bench, median, timeRow } from './bench.ts';
import { withFolder } from './platform.ts';
import { processorMs } from './processor.ts';

const ROUNDS = 5;
/** What is promised. */
const BOUND_MS = 3_000;

/** Node in the same container that says something and ends. */
const bare = async (tree: string): Promise<number> => {
  const [command, ...words] = inTree(tree, '-e', 'console.log(1)');
  const from = performance.now();
  const child = spawn(command!, words, { stdio: 'ignore' });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`no container starts here: ${command} ended with ${code}`);
  return performance.now() - from;
};

const started = async (tree: string): Promise<{ ready: number; used: number }> => {
  const { child, exited, ready } = await startContainer('platform', tree, {
    PERFECT21_SECRET: Buffer.alloc(32, 'k9').toString('base64'),
  });
  try {
    const ms = await ready();
    return { ready: ms, used: processorMs(child.pid!) };
  } finally {
    child.kill('SIGKILL');
    await exited;
  }
};

export const bench: Bench = {
  name: 'container',
  run: () =>
    withFolder(async (folder) => {
      const tree = join(folder, 'platform');
      await assemble('platform', tree, { whole: true });
      // the first one reads it from the disk
      await started(tree);
      const [times, node]: [{ ready: number; used: number }[], number[]] = [[], []];
      for (let round = 0; round < ROUNDS; round += 1) {
        times.push(await started(tree));
        node.push(await bare(tree));
      }
      const used = Math.round(median(times.map((each) => each.used)));
      const what = `a new container of the platform is ready (${used} ms of processor)`;
      return [timeRow(what, median(times.map(({ ready }) => ready)), BOUND_MS, median(node))];
    }),
};
