/** What something costs a validation: two platforms that differ in nothing else take turns, and processor time is counted. */
import { alternate, median } from './bench.ts';
import { post } from './load/http-wire.ts';
import { startLoad } from './load/index.ts';
import { AS_STARTED, seed, withFolder } from './platform.ts';
import { start } from './processes.ts';
import { processorMs } from './processor.ts';
import type { One } from './programs/both.ts';

/** Many short turns: what else the machine does then meets both. */
const [PROCESSES, ROUNDS, SECONDS, WARM_UP, CONNECTIONS] = [4, 60, 0.2, 4, 32];

type Kind = Omit<One, 'folder'>;
type Found = Awaited<ReturnType<typeof alternate>>;

const inOneProcess = (kinds: readonly [Kind, Kind]): Promise<Found> =>
  withFolder((one) =>
    withFolder(async (other) => {
      const folders = [one, other];
      const tokens = await Promise.all(folders.map(async (folder) => (await seed(folder, 1, 1)).tokens[0]!));
      const program = start('test/bench/programs/both.ts', { ...AS_STARTED, core: 0 });
      const ports = await program.ask<number[]>(kinds.map((kind, n): One => ({ ...kind, folder: folders[n]! })));
      const load = startLoad(1);
      /** Answers in a second of processor time, all threads together. */
      const rate = async (n: number, seconds: number): Promise<number> => {
        const before = processorMs(program.child.pid!);
        const http = [post('/api/v1/auth/validate', { token: tokens[n]! }).toString('base64')];
        const [outcome] = await load.put({
          port: ports[n]!,
          connections: CONNECTIONS,
          wire: { http, expected: '"valid":true' },
          load: { in_flight: CONNECTIONS, seconds },
        });
        return (outcome!.per_second * seconds * 1_000) / (processorMs(program.child.pid!) - before);
      };
      for (const n of [1, 0]) await rate(n, WARM_UP);
      const found = await alternate(
        ROUNDS,
        () => rate(0, SECONDS),
        () => rate(1, SECONDS),
      );
      await program.stop();
      return found;
    }),
  );

/** Both rates of `POST /api/v1/auth/validate`, and the ratio of neighbours: the median of several processes. On Linux only. */
export const besideEachOther = async (ours: Kind, bare: Kind): Promise<Found> => {
  const all: Found[] = [];
  for (let process = 0; process < PROCESSES; process += 1) {
    // the one that a process opens first answers half a percent less, whichever it is
    if (process % 2 === 0) all.push(await inOneProcess([ours, bare]));
    else {
      const { ours: first, bare: second, ratio } = await inOneProcess([bare, ours]);
      all.push({ ours: second, bare: first, ratio: 1 / ratio });
    }
  }
  const of = (each: keyof Found): number => median(all.map((found) => found[each]));
  return { ours: of('ours'), bare: of('bare'), ratio: of('ratio') };
};
