/** What metrics cost: `POST /api/v1/auth/validate` with all that a process counts, beside the same process that counts nothing. */
import { type Bench, ratioRow } from './bench.ts';
import { besideEachOther, type Validating } from './beside.ts';
import { startLoad } from './load/index.ts';
import { AS_STARTED, seed, withFolder } from './platform.ts';
import { start } from './processes.ts';
import type { CountedOrder } from './programs/counted.ts';

const LEAST = 0.97;

export const bench: Bench = {
  name: 'metrics',
  run: () =>
    withFolder((countingFolder) =>
      withFolder(async (silentFolder) => {
        const open = async (folder: string, counts: boolean): Promise<Validating> => {
          const { tokens } = await seed(folder, 1, 1);
          const program = start('test/bench/programs/counted.ts', { ...AS_STARTED, core: 0 });
          const http = await program.ask<number>({ folder, counts } satisfies CountedOrder);
          return { http, program, token: tokens[0]! };
        };
        const counting = await open(countingFolder, true);
        const silent = await open(silentFolder, false);
        const found = await besideEachOther(startLoad(1), counting, silent);
        await Promise.all([counting.program.stop(), silent.program.stop()]);
        return [ratioRow('validate with metrics, beside without', found, LEAST)];
      }),
    ),
};
