/** Is it ready: each dependency asked at once, in bounded time, and one answer for all doors. */
import type { Log } from '../../ports/log.ts';

/**
 * Resolves when a dependency answers; what it throws is logged, not shown. `degraded` is for one that may be away while
 * requests are answered: it is shown, and the process stays ready.
 */
export type ReadinessCheck = () => Promise<unknown>;

export interface Readiness {
  ready: boolean;
  checks: Record<string, { status: 'ok' | 'degraded' | 'unavailable' }>;
}

const within = (check: ReadinessCheck, ms: number): Promise<unknown> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${ms} ms`)), ms);
  });
  return Promise.race([check(), late]).finally(() => clearTimeout(timer));
};

/** Asks all of them, each for at most `ms`. Never throws. */
export const askReadiness = async (
  checks: Readonly<Record<string, ReadinessCheck>>,
  { ms, log }: { ms: number; log: Log },
): Promise<Readiness> => {
  const found: Readiness['checks'] = {};
  const ask = async (name: string, run: ReadinessCheck): Promise<void> => {
    found[name] = { status: 'unavailable' };
    try {
      found[name] = { status: (await within(run, ms)) === 'degraded' ? 'degraded' : 'ok' };
    } catch (cause) {
      log.warn('ready.failed', { check: name, cause });
    }
  };
  await Promise.all(Object.entries(checks).map(([name, run]) => ask(name, run)));
  return { ready: Object.values(found).every(({ status }) => status !== 'unavailable'), checks: found };
};
