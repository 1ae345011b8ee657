/** `/readyz` of functions: what a process checks, where no process is. */
import { OUTBOX } from '../../kit/event.ts';
import type { Ports } from '../../ports/index.ts';
import { askReadiness, type Readiness, type ReadinessCheck } from '../binding/readiness.ts';

type Asked = Pick<Ports, 'clock' | 'keys' | 'log' | 'store'>;

/** The ports that it asks. */
export const READY_PORTS = ['clock', 'keys', 'log', 'store'] as const satisfies readonly (keyof Asked)[];

const READY_MS = 2_000;
/** An answer is given again for so long: anybody may ask, and each asking writes. */
const KEPT_MS = 1_000;
/** An event that waits longer than this to be published says that the relay does not get on. */
const OVERDUE_MS = 60_000;
/** Of the oldest events of the outbox: some are due later. */
const LOOKED_AT = 20;

const checksOf = ({ store, keys, clock }: Asked): Record<string, ReadinessCheck> => ({
  store: () => store.ping(),
  keys: () => keys.jwks(),
  // while events wait requests are answered all the same
  bus: async () => {
    const oldest = await store.messages.peek(OUTBOX, LOOKED_AT);
    const late = clock.now() - OVERDUE_MS;
    return oldest.some(({ available_at }) => available_at < late) ? 'degraded' : 'ok';
  },
});

/**
 * Whether what functions need answers: the store takes writes, keys are there, events leave.
 *
 * @example const ask = readiness(); const { ready, checks } = await ask(ports);
 */
export const readiness = (): ((ports: Asked) => Promise<Readiness>) => {
  let last: { at: number; answer: Promise<Readiness> } | undefined;
  return (ports) => {
    const now = performance.now();
    if (!last || now - last.at > KEPT_MS) {
      last = { at: now, answer: askReadiness(checksOf(ports), { ms: READY_MS, log: ports.log }) };
    }
    return last.answer;
  };
};
