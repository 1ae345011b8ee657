/** A bridge whose other side or store is away: it waits, and counts no tries. */
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../kit/errors.ts';
import type { Ids } from '../../ports/clock.ts';
import type { Ports } from '../../ports/index.ts';
import type { Store } from '../../ports/store.ts';
import { publishDelay, unitRandom } from '../backoff.ts';

const isAway = (thrown: unknown): boolean => thrown instanceof AppError && thrown.code === 'unavailable';

/** How long a message may be held unacknowledged: less than RabbitMQ's own limit of 30 minutes. */
const PATIENCE_MS = 20 * 60_000;

/**
 * The ports of one message that ask until the other side and the store answer, so that an outage of either counts no
 * tries: what is held keeps a consumer with a bounded number of messages from taking more, and the rest waits in its
 * queue. What was done is not done again: only the call that failed is.
 */
export const patient = <P extends Pick<Ports, 'crossing' | 'store'>>(ports: P, ids: Ids, signal: AbortSignal): P => {
  const until = performance.now() + PATIENCE_MS;
  const ask = async <T>(call: () => Promise<T>): Promise<T> => {
    for (let tries = 1; ; tries++) {
      try {
        return await call();
      } catch (thrown) {
        const again = isAway(thrown) && performance.now() < until;
        if (!again || signal.aborted) throw thrown;
        await sleep(publishDelay(tries, unitRandom(ids)), undefined, { signal }).catch(() => {});
      }
    }
  };
  const { crossing, store } = ports;
  return {
    ...ports,
    crossing: { publish: (to, event) => ask(() => crossing.publish(to, event)) },
    store: {
      ...store,
      get: (collection, id) => ask(() => store.get(collection, id)),
      transact: (...writes) => ask(() => store.transact(...writes)),
    },
  };
};

/** Notices that the store is away, and asks it until it answers, so that meanwhile nothing is taken out of a queue. */
export const watched = (store: Store, { ids, log }: Pick<Ports, 'ids' | 'log'>, signal: AbortSignal) => {
  let away = false;
  const recover = async (): Promise<void> => {
    for (let tries = 1; away && !signal.aborted; tries++) {
      await sleep(publishDelay(tries, unitRandom(ids)), undefined, { signal }).catch(() => {});
      away = await store.ping().then(
        () => false,
        () => true,
      );
    }
    if (!away) log.info('store.back', {});
  };
  const noticing = async <T>(call: Promise<T>): Promise<T> => {
    try {
      return await call;
    } catch (thrown) {
      if (isAway(thrown) && !away) {
        away = true;
        log.error('store.away', { cause: thrown });
        void recover();
      }
      throw thrown;
    }
  };
  return {
    /** The same store. */
    store: {
      ...store,
      get: (collection, id) => noticing(store.get(collection, id)),
      transact: (...writes) => noticing(store.transact(...writes)),
    } satisfies Store as Store,
    /** False from a call that found the store away until it answers again. */
    answers: (): boolean => !away,
  };
};
