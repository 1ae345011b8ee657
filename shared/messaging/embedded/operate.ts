/** What an operator can do with the embedded bus: all of it in the store, beside the platform that runs on it. */

import { OUTBOX } from '../../kit/event.ts';
import type { Ports } from '../../ports/index.ts';
import { storeLetters } from '../dead-letters.ts';
import type { BusOperations } from '../operate.ts';
import type { Topology } from '../topology.ts';
import { embeddedBus } from './bus.ts';
import { tail, tailed } from './tail.ts';

/** True for the queues of the code, and for the outbox, to which goes back what the relay refused. */
export const storeQueues =
  (topology: Topology) =>
  (name: string): boolean =>
    name === OUTBOX || topology.queues.some((queue) => queue.name === name);

export const operateEmbedded = (ports: Pick<Ports, 'store' | 'clock' | 'ids'>, topology: Topology): BusOperations => {
  const { store, clock } = ports;
  const bus = tailed(embeddedBus(topology, clock), ports);
  return {
    name: "the store's own bus",
    publish: async (row) => {
      const [outcome] = await bus.publish([row]);
      if (outcome!.kind === 'published') await store.transact([], { enqueue: outcome!.deliveries ?? [] });
      return outcome!;
    },
    tail: (binding, show, signal, ready) => tail(ports, binding, show, signal, ready),
    letters: [storeLetters(store, clock, storeQueues(topology))],
    // its queues are names in the store, made with their first message
    compare: async () => ({ differences: [] }),
    apply: async () => [],
    explain: (cause) => `the store is away: ${cause instanceof Error ? cause.message : String(cause)}`,
    close: async () => {},
  };
};
