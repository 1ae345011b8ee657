/** `/readyz` of functions: what a process checks, where no process is. */
import type { Ports } from '../../ports/index.ts';
import { askReadiness, eventsLeave, type Readiness, type ReadinessCheck } from '../binding/readiness.ts';

type Asked = Pick<Ports, 'clock' | 'keys' | 'log' | 'store'>;

/** The ports that it asks. */
export const READY_PORTS = ['clock', 'keys', 'log', 'store'] as const satisfies readonly (keyof Asked)[];

const READY_MS = 2_000;
/** An answer is given again for so long: anybody may ask, and each asking writes. */
const KEPT_MS = 1_000;
const checksOf = ({ store, keys, clock }: Asked): Record<string, ReadinessCheck> => ({
  store: () => store.ping(),
  keys: () => keys.jwks(),
  bus: eventsLeave({ store, clock }),
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
