/** Decisions in process: one by one, and a thousand at once. Answers ms; of batches those of the processor, which others use, too. */
import { schema } from '../../../functions/index.ts';
import { checkPermission } from '../../../functions/permissions/check-permission.ts';
import { checkPermissions } from '../../../functions/permissions/check-permissions.ts';
import { loadConfig } from '../../../shared/config/config.ts';
import type { Context } from '../../../shared/kit/context.ts';
import { continueTrace } from '../../../shared/kit/trace.ts';
import { openHost } from '../../../shared/process/host.ts';
import { median } from '../bench.ts';
import { checkOf, questionOf } from '../identity/rules.ts';
import { serve } from '../processes.ts';

export interface DecisionOrder {
  warm_up: number;
  checks: number;
  batches: number;
}

export interface DecisionTimes {
  p50: number;
  p99: number;
  /** A batch about 100 users, and about 1,000. */
  batch: number;
  wide: number;
}

const host = await openHost(loadConfig(process.env), schema);
const context: Context = {
  ...{ request_id: 'bench', trace: continueTrace(), client: {}, door: 'local' },
  caller: { kind: 'service', name: 'bench', permissions: ['*:*:*'] },
};
const check = async (n: number): Promise<void> => {
  const { allowed } = (await host.call(checkPermission, checkOf(n), context)) as { allowed: boolean };
  if (allowed !== questionOf(n).allowed) throw new Error(`question ${n} was answered ${allowed}`);
};
/** Processor time of this thread, ms. */
const spent = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
};
const at = (sorted: readonly number[], share: number): number => sorted[Math.floor(sorted.length * share)]!;

/** Rounds of which each has its own p99: where others have the core for some milliseconds, it is in a few. */
const ROUNDS = 20;

serve(async ({ warm_up, checks, batches }: DecisionOrder): Promise<DecisionTimes> => {
  for (let n = 0; n < warm_up; n++) await check(n);
  const rounds: number[][] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const times: number[] = [];
    for (let n = 0; n < checks / ROUNDS; n++) {
      const started = performance.now();
      await check(round * checks + n);
      times.push(performance.now() - started);
    }
    rounds.push(times.sort((one, two) => one - two));
  }
  const batchOf = async (among: number): Promise<number> => {
    const started = spent();
    for (let batch = 0; batch < batches; batch++) {
      const asked = Array.from({ length: 1_000 }, (_, n) => checkOf(batch * 1_000 + n, among));
      await host.call(checkPermissions, { checks: asked }, context);
    }
    return (spent() - started) / batches;
  };
  for (const among of [100, 1_000, 100, 1_000]) await batchOf(among);
  return {
    p50: median(rounds.map((times) => at(times, 0.5))),
    p99: median(rounds.map((times) => at(times, 0.99))),
    batch: await batchOf(100),
    wide: await batchOf(1_000),
  };
});
