/**
 * Who looks at events on this store just now.
 *
 * A tail says so by a message in one queue, and says it again before that ends, so one that was killed is forgotten.
 * Each time what was said before is removed: the queue holds about one saying for each tail, however long they last.
 */
import type { Ports } from '../../ports/index.ts';
import type { Claimed, NewMessage, Store } from '../../ports/store.ts';

const TAILS = 'perfect21.tails';
const MOST = 100;
/** How long a relay believes what it read of them, and how often a tail looks, ms. */
export const KNOWN_MS = 250;
export const LOOK_MS = 200;
/** How long one saying holds, and how often it is repeated, ms. */
export const HOLDS_MS = 30_000;
const AGAIN_MS = 10_000;
const LEASE_MS = 60_000;

interface Saying {
  queue: string;
  /** Bindings with a space between them. */
  binding: string;
  until: number;
}

export type TailPorts = Pick<Ports, 'store' | 'clock' | 'ids'>;

const sayingOf = ({ body }: Claimed): Saying => body as Saying;

type StorePorts = Pick<Ports, 'store' | 'clock'>;

/** What holds of what was said, claimed or not: the newest of each tail. */
const newestOf = (said: readonly Claimed[], now: number): Map<string, Claimed> => {
  const live = said.filter((message) => sayingOf(message).until > now);
  return new Map(live.map((message) => [sayingOf(message).queue, message]));
};
const newest = async ({ store, clock }: StorePorts): Promise<Map<string, Claimed>> =>
  newestOf(await store.messages.peek(TAILS, MOST), clock.now());

/** The tails that look now, and whether there is something to forget. */
export const tailsNow = async ({ store, clock }: StorePorts): Promise<{ tails: readonly Saying[]; over: boolean }> => {
  const now = clock.now();
  const said = await store.messages.peek(TAILS, MOST);
  const over = said.some((message) => sayingOf(message).until <= now && message.available_at <= now);
  return { tails: [...newestOf(said, now).values()].map(sayingOf), over };
};

/** Takes all messages of a queue that are there. */
export const drain = async (store: Store, queue: string, take: (body: unknown) => void): Promise<void> => {
  for (;;) {
    const claimed = await store.messages.claim(queue, { limit: 50, lease_ms: LEASE_MS });
    if (claimed.length === 0) return;
    for (const { body } of claimed) take(body);
    await store.transact([], { settle: claimed });
  }
};

/** Removes sayings that ended or were said anew, and the copies of events that were made for tails that are gone. */
export const forget = async (ports: StorePorts): Promise<void> => {
  const { store, clock } = ports;
  for (let removed = true; removed; ) {
    removed = false;
    const claimed = await store.messages.claim(TAILS, { limit: MOST, lease_ms: LEASE_MS });
    // looked at after the claim: what is claimed stands in it, and so does what another has claimed
    const last = await newest(ports);
    const holds = (message: Claimed): boolean => {
      const { queue, until } = sayingOf(message);
      return until > clock.now() && (last.get(queue)?.id ?? message.id) === message.id;
    };
    const live = new Set([...last.keys(), ...claimed.filter(holds).map((message) => sayingOf(message).queue)]);
    for (const message of claimed) {
      if (holds(message)) {
        await store.messages.release(message, { available_at: message.available_at });
        continue;
      }
      const { queue } = sayingOf(message);
      if (!live.has(queue)) await drain(store, queue, () => {});
      await store.transact([], { settle: [message] });
      removed = true;
    }
  }
};

/** One tail among them: the queue in which its copies come, and how it says that it is there and that it is over. */
export const newTail = (ports: TailPorts, binding: string) => {
  const { store, clock, ids } = ports;
  const queue = `perfect21.tail.${ids.uuid()}`;
  const saying = (until: number, available_at = clock.now()): NewMessage => ({
    queue: TAILS,
    id: ids.uuid(),
    available_at,
    body: { queue, binding, until } satisfies Saying,
  });
  let said = Number.NEGATIVE_INFINITY;
  return {
    queue,
    /** Says that it is there, if that was long enough ago. False when what it said before had ended: something may be missing. */
    say: async (): Promise<boolean> => {
      const since = clock.now() - said;
      if (since >= 0 && since < AGAIN_MS) return true;
      said = clock.now();
      await store.transact([], { enqueue: [saying(said + HOLDS_MS)] });
      await forget(ports);
      return since >= 0 && since < HOLDS_MS;
    },
    /**
     * Says that it is over. Relays learn it when they read again, and may bring copies until then: who does not wait for
     * that has it forgotten `in_ms` later, by whoever is there then, who removes these copies with it.
     */
    leave: async (in_ms = 0): Promise<void> => {
      const claimed = await store.messages.claim(TAILS, { limit: MOST, lease_ms: LEASE_MS });
      const own = claimed.filter((message) => sayingOf(message).queue === queue);
      await store.transact([], { settle: own, enqueue: [saying(0, clock.now() + in_ms)] });
      for (const message of claimed) {
        if (!own.includes(message)) await store.messages.release(message, { available_at: message.available_at });
      }
    },
  };
};
