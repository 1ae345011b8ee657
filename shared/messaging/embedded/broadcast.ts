/**
 * Broadcasts in the store: relays give each process that hears them a copy of its own, as they do for tails (tails.ts).
 *
 * A process hears of commits of its own at once, and every 50 ms of others': on SQLite by a number that tells whether there
 * were any, elsewhere by a look. Only it reads its copies, so it takes them first and removes them afterwards.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Store } from '../../ports/store.ts';
import type { Hearing, Listener } from '../hearing.ts';
import { type Pump, startPump } from '../pump.ts';
import { drain, KNOWN_MS, LOOK_MS, newTail, type TailPorts } from './tails.ts';

/** Between two looks for what other processes relayed. */
const EVERY_MS = 50;
const AWAY_MS = 500;
const PAGE = 100;
const LEASE_MS = 60_000;

/** Hands on what is there and removes it; says how much it was. */
const takeAll = async (store: Store, queue: string, listener: Listener): Promise<number> => {
  const there = await store.messages.peek(queue, PAGE);
  if (there.length === 0) return 0;
  for (const { body } of there) listener.deliver(body);
  const claimed = await store.messages.claim(queue, { limit: PAGE, lease_ms: LEASE_MS });
  // others may have come meanwhile; the listener knows those that it has
  for (const { body } of claimed) listener.deliver(body);
  await store.transact([], { settle: claimed, durability: 'deferred' });
  return claimed.length;
};

/** Brings broadcasts to this process. */
export const listenInStore = (ports: TailPorts, listener: Listener): Hearing => {
  const { store } = ports;
  const own = newTail(ports, listener.bindings.join(' '));
  let known = false;
  let stopped = false;
  let knowing: NodeJS.Timeout | undefined;

  /** Every relay that is there has heard of this process a moment after it said so. */
  const joined = (): void => {
    known = true;
    // what the store knows now is learnt at once; what relays did not know to bring meanwhile, a moment later
    listener.connected();
    clearTimeout(knowing);
    knowing = setTimeout(() => known && listener.connected(), KNOWN_MS + LOOK_MS).unref();
  };
  /** Whether there may be copies that were not looked for, and what others had committed at the last look. */
  let told = true;
  let seen: number | undefined;
  const take = async (): Promise<number> => {
    try {
      const held = await own.say();
      if (!held && known) listener.missed();
      if (!held || !known) joined();
      const others = store.messages.others?.();
      if (!told && others !== undefined && others === seen) return 0;
      told = false;
      seen = others;
      const taken = await takeAll(store, own.queue, listener);
      if (taken > 0) told = true;
      return taken;
    } catch (error) {
      if (known) listener.missed();
      known = false;
      told = true;
      if (!stopped) await sleep(AWAY_MS, undefined, { ref: false });
      throw error;
    }
  };
  const pump: Pump = startPump({ take, onError: () => {}, idle: { from: EVERY_MS, to: EVERY_MS } });
  const look = (): void => {
    told = true;
    pump.wake();
  };
  const unsubscribe = store.onCommit((queues) => queues.has(own.queue) && look());

  return {
    round: () => {
      told = true;
      return pump.round();
    },
    stop: async () => {
      stopped = true;
      clearTimeout(knowing);
      unsubscribe();
      await pump.stop();
      try {
        await own.leave(KNOWN_MS + LOOK_MS);
        await drain(store, own.queue, () => {});
      } catch {
        // the store is away: what is left is removed by the others, when what it said last has ended
      }
    },
  };
};
