/** Is it ready: each dependency asked at once, in bounded time, and one answer for all doors. */
import { OUTBOX } from '../../kit/event.ts';
import type { Ports } from '../../ports/index.ts';
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

/** An event that waits longer than this to be published says that the relay does not get on. */
const OVERDUE_MS = 60_000;
/** Of the oldest events of the outbox: some are due later. */
const LOOKED_AT = 20;

/** Whether what was committed is published: `degraded` while events wait, for requests are answered all the same. */
export const eventsLeave =
  ({ store, clock }: Pick<Ports, 'store' | 'clock'>): ReadinessCheck =>
  async () => {
    const oldest = await store.messages.peek(OUTBOX, LOOKED_AT);
    const late = clock.now() - OVERDUE_MS;
    return oldest.some(({ available_at }) => available_at < late) ? 'degraded' : 'ok';
  };

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
