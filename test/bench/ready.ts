/** What `npm start` costs until it answers, in processor time: the first time, and on a folder that it knows. */
import { spawnSync } from 'node:child_process';
import { type Bench, median, ms, type Row } from './bench.ts';
import { startPlatform, withFolder } from './platform.ts';
import { processorMs } from './processor.ts';

const ROUNDS = 11;
/** Times what a Node process costs that does nothing. */
const MOST = 6;

const started = async (folder: string): Promise<number> => {
  const platform = await startPlatform(folder);
  const used = processorMs(platform.program.child.pid!);
  await platform.stop();
  return used;
};

const bare = (): number => {
  const say = 'const { user, system } = process.cpuUsage(); console.log(user + system)';
  return Number(spawnSync(process.execPath, ['-e', say], { encoding: 'utf8' }).stdout) / 1000;
};

const row = (what: string, times: readonly number[], node: readonly number[]): Row => {
  const ratio = median(times) / median(node);
  return {
    what: `${what}: processor time`,
    measured: ms(median(times)),
    baseline: ms(median(node)),
    bound: `${ratio.toFixed(1)} times ≤ ${MOST} times`,
    ok: ratio <= MOST,
  };
};

export const bench: Bench = {
  name: 'ready',
  run: async () => {
    const [first, again, node]: [number[], number[], number[]] = [[], [], []];
    // one that makes the bundle and one that fills V8's cache
    for (let n = 0; n < 2; n += 1) await withFolder(started);
    for (let round = 0; round < ROUNDS; round += 1) {
      await withFolder(async (folder) => {
        first.push(await started(folder));
        again.push(await started(folder));
      });
      node.push(bare());
    }
    return [row('ready on an empty folder', first, node), row('ready on an existing folder', again, node)];
  },
};
