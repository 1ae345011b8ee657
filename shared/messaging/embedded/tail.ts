/**
 * Looking at events as they pass, from another process on the same store; how broadcasts come, too (broadcast.ts).
 *
 * Who looks says so where every relay reads now and then (tails.ts); relays then give that tail a copy of each event that
 * its binding takes, in the transaction that settles the row. Copies for one that was killed are removed by the others.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ports } from '../../ports/index.ts';
import type { NewMessage } from '../../ports/store.ts';
import { type Bus, type Outcome, readOutboxBody } from '../bus.ts';
import type { Passing } from '../operate.ts';
import { match } from '../topic.ts';
import { drain, forget, KNOWN_MS, LOOK_MS, newTail, type TailPorts, tailsNow } from './tails.ts';

/** The embedded bus for tails too: an event's copies for them are committed with its deliveries. */
export const tailed = (bus: Bus, ports: Pick<Ports, 'store' | 'clock'>): Bus => {
  const { clock } = ports;
  let known: Awaited<ReturnType<typeof tailsNow>>['tails'] = [];
  let read = Number.NEGATIVE_INFINITY;
  const tails = async (): Promise<typeof known> => {
    const now = performance.now();
    if (now - read > KNOWN_MS) {
      const { tails, over } = await tailsNow(ports);
      known = tails;
      read = now;
      // one that stopped waited for nobody; who can't do it now leaves it to the next
      if (over) await forget(ports).catch(() => {});
    }
    return known;
  };
  return {
    ...bus,
    publish: async (rows) => {
      const outcomes = await bus.publish(rows);
      const watching = await tails();
      if (watching.length === 0) return outcomes;
      return outcomes.map((outcome, at): Outcome => {
        const row = rows[at]!;
        const event = outcome.kind === 'published' ? readOutboxBody(row.body) : undefined;
        if (outcome.kind !== 'published' || !event) return outcome;
        const copies = watching
          .filter(({ binding }) => binding.split(' ').some((each) => match(each, event.routing_key)))
          .map(({ queue }): NewMessage => ({ queue, id: row.id, available_at: clock.now(), body: event }));
        return { ...outcome, deliveries: [...(outcome.deliveries ?? []), ...copies] };
      });
    },
  };
};

/** Shows events until the signal. See BusOperations.tail. */
export const tail = async (
  ports: TailPorts,
  binding: string,
  show: (event: Passing) => void,
  signal: AbortSignal,
  ready: () => void,
): Promise<void> => {
  const { queue, say, leave } = newTail(ports, binding);
  try {
    await say();
    // every relay has read it by then
    await sleep(KNOWN_MS + LOOK_MS, undefined, { signal }).catch(() => {});
    ready();
    while (!signal.aborted) {
      await say();
      await drain(ports.store, queue, (body) => !signal.aborted && show(body as Passing));
      await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
    }
  } finally {
    await leave();
    await sleep(KNOWN_MS + LOOK_MS);
    await forget(ports);
  }
};
