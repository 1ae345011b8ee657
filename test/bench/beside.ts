/** What something costs a validation: two platforms that differ in nothing else take turns, and processor time is counted. */
import { alternate } from './bench.ts';
import { post } from './load/http-wire.ts';
import type { Load } from './load/index.ts';
import type { Program } from './processes.ts';
import { processorMs } from './processor.ts';

/** Many short turns: what else the machine does then meets both. */
const [ROUNDS, SECONDS, WARM_UP, CONNECTIONS] = [30, 0.7, 4, 32];

/** A platform, and a token that it takes. */
export interface Validating {
  http: number;
  program: Program;
  token: string;
}

/** Answers to `POST /api/v1/auth/validate` in a second of processor time of the platform, all its threads together. */
const rate = async (load: Load, { http, program, token }: Validating, seconds = SECONDS): Promise<number> => {
  const before = processorMs(program.child.pid!);
  const [outcome] = await load.put({
    port: http,
    connections: CONNECTIONS,
    wire: { http: [post('/api/v1/auth/validate', { token }).toString('base64')], expected: '"valid":true' },
    load: { in_flight: CONNECTIONS, seconds },
  });
  return (outcome!.per_second * seconds * 1_000) / (processorMs(program.child.pid!) - before);
};

/** Both rates, and the median of the ratios of neighbours. On Linux only. */
export const besideEachOther = async (load: Load, ours: Validating, bare: Validating): ReturnType<typeof alternate> => {
  await rate(load, bare, WARM_UP);
  await rate(load, ours, WARM_UP);
  return alternate(
    ROUNDS,
    () => rate(load, ours),
    () => rate(load, bare),
  );
};
