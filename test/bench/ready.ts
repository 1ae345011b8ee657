/** How long `npm start` takes until it answers: the first time, and on a folder that it knows. */
import { spawnSync } from 'node:child_process';
import { type Bench, median, timeRow } from './bench.ts';
import { startPlatform, withFolder } from './platform.ts';

const ROUNDS = 3;
const BOUND_MS = 2_000;

const timed = async (work: () => unknown): Promise<number> => {
  const started = performance.now();
  await work();
  return performance.now() - started;
};

export const bench: Bench = {
  name: 'ready',
  run: async () => {
    const [first, again, node]: number[][] = [[], [], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      await withFolder(async (folder) => {
        for (const times of [first!, again!]) {
          const started = performance.now();
          const platform = await startPlatform(folder);
          times.push(performance.now() - started);
          await platform.stop();
        }
      });
      node!.push(await timed(() => spawnSync(process.execPath, ['-e', '0'])));
    }
    return [
      timeRow('ready on an empty folder', median(first!), BOUND_MS, median(node!)),
      timeRow('ready on an existing folder', median(again!), BOUND_MS, median(node!)),
    ];
  },
};
