/**
 * Looking at events as they pass, from another process on the same store.
 *
 * Who looks says so by a message in a queue that every relay reads now and then; relays then give that tail a copy of
 * each event that its binding takes, in the transaction that settles the row. A tail says again and again that it is
 * there, so one that was killed is forgotten, and its copies are removed by the next that looks.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ports } from '../../ports/index.ts';
import type { Claimed, NewMessage, Store } from '../../ports/store.ts';
import { type Bus, type Outcome, readOutboxBody } from '../bus.ts';
import type { Passing } from '../operate.ts';
import { match } from '../topic.ts';

/** The queue in which tails say that they are there. */
const TAILS = 'perfect21.tails';
const MOST = 100;
/** How long a relay believes what it read, ms. */
const KNOWN_MS = 1_000;
/** How long one saying holds, and how often it is repeated, ms. */
const HOLDS_MS = 30_000;
const AGAIN_MS = 10_000;
const LEASE_MS = 60_000;
const LOOK_MS = 200;

interface Saying {
  queue: string;
  binding: string;
  until: number;
}

type TailPorts = Pick<Ports, 'store' | 'clock' | 'ids'>;

const sayings = async (store: Store): Promise<Saying[]> =>
  (await store.messages.peek(TAILS, MOST)).map(({ body }) => body as Saying);

/** The embedded bus for tails too: an event's copies for them are committed with its deliveries. */
export const tailed = (bus: Bus, { store, clock }: Pick<Ports, 'store' | 'clock'>): Bus => {
  let known: readonly Saying[] = [];
  let read = Number.NEGATIVE_INFINITY;
  const tails = async (): Promise<readonly Saying[]> => {
    const now = performance.now();
    if (now - read > KNOWN_MS) {
      known = await sayings(store);
      read = now;
    }
    const live = known.filter(({ until }) => until > clock.now());
    return [...new Map(live.map((each) => [each.queue, each])).values()];
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
          .filter(({ binding }) => match(binding, event.routing_key))
          .map(({ queue }): NewMessage => ({ queue, id: row.id, available_at: clock.now(), body: event }));
        return { ...outcome, deliveries: [...(outcome.deliveries ?? []), ...copies] };
      });
    },
  };
};

/** Takes all messages of a queue that are there. */
const drain = async (store: Store, queue: string, take: (body: unknown) => void): Promise<void> => {
  for (;;) {
    const claimed = await store.messages.claim(queue, { limit: 50, lease_ms: LEASE_MS });
    if (claimed.length === 0) return;
    for (const { body } of claimed) take(body);
    await store.transact([], { settle: claimed });
  }
};

/** Removes sayings that do not hold any more, with the copies that were made for them. */
const forget = async ({ store, clock }: TailPorts): Promise<void> => {
  const claimed = await store.messages.claim(TAILS, { limit: MOST, lease_ms: LEASE_MS });
  const holds = ({ body }: Claimed): boolean => (body as Saying).until > clock.now();
  const live = new Set(claimed.filter(holds).map(({ body }) => (body as Saying).queue));
  for (const message of claimed) {
    const { queue } = message.body as Saying;
    if (!live.has(queue)) await drain(store, queue, () => {});
    if (holds(message)) await store.messages.release(message, { available_at: message.available_at });
    else await store.transact([], { settle: [message] });
  }
};

/** Says of a tail that it is over; relays learn it within a second. */
const leave = async ({ store, clock, ids }: TailPorts, queue: string): Promise<void> => {
  const claimed = await store.messages.claim(TAILS, { limit: MOST, lease_ms: LEASE_MS });
  const own = claimed.filter(({ body }) => (body as Saying).queue === queue);
  const last: NewMessage = { queue: TAILS, id: ids.uuid(), available_at: clock.now(), body: { queue, until: 0 } };
  await store.transact([], { settle: own, enqueue: [last] });
  for (const message of claimed) {
    if (!own.includes(message)) await store.messages.release(message, { available_at: message.available_at });
  }
};

/** Shows events until the signal. See BusOperations.tail. */
export const tail = async (
  ports: TailPorts,
  binding: string,
  show: (event: Passing) => void,
  signal: AbortSignal,
  ready: () => void,
): Promise<void> => {
  const { store, clock, ids } = ports;
  await forget(ports);
  const queue = `perfect21.tail.${ids.uuid()}`;
  let said = Number.NEGATIVE_INFINITY;
  const say = async (): Promise<void> => {
    if (performance.now() - said < AGAIN_MS) return;
    said = performance.now();
    const body: Saying = { queue, binding, until: clock.now() + HOLDS_MS };
    await store.transact([], { enqueue: [{ queue: TAILS, id: ids.uuid(), available_at: clock.now(), body }] });
  };
  try {
    await say();
    // every relay has read it by then
    await sleep(KNOWN_MS + LOOK_MS, undefined, { signal }).catch(() => {});
    ready();
    while (!signal.aborted) {
      await say();
      await drain(store, queue, (body) => !signal.aborted && show(body as Passing));
      await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
    }
  } finally {
    await leave(ports, queue);
    await sleep(KNOWN_MS + LOOK_MS);
    await forget(ports);
  }
};
