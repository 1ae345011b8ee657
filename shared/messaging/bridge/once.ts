/**
 * A dead letter once, although its batch comes again: Amazon MQ takes a batch back whole when one message of it failed.
 *
 * A letter that was sent is noted while its batch fails, and forgotten when the batch is done, so that a letter that an
 * operator replays can become one again. An end between letter and note sends the letter twice, and never not at all.
 */
import { createHash } from 'node:crypto';
import { type Sighting, sightings } from '../../../functions/bridge/records.ts';
import type { Ports } from '../../ports/index.ts';
import { insert, remove, WriteConflict } from '../../ports/store.ts';
import { BRIDGE_LIMITS } from './carrying.ts';
import type { Delivered } from './from-rabbitmq.ts';

const unlessConflict = (thrown: unknown): void => {
  // another batch, with a message that is just like it, did the same meanwhile
  if (!(thrown instanceof WriteConflict)) throw thrown;
};

/** Names for the messages of a batch, the same when it comes again. Messages that are alike are told apart by number. */
export const namesOf = (messages: readonly Pick<Delivered, 'content'>[]): string[] => {
  const seen = new Map<string, number>();
  return messages.map(({ content }) => {
    // by the content: many have no id, two that are not alike may bear the same, and headers change on the way
    const hash = createHash('sha256').update(content).digest('hex');
    const number = seen.get(hash) ?? 0;
    seen.set(hash, number + 1);
    return `letter:${hash}:${number}`;
  });
};

/** What is noted of the letters of one batch. */
export const letterNotes = ({ store, clock }: Pick<Ports, 'store' | 'clock'>) => {
  const noted = new Set<string>();
  return {
    /** Sends the letter unless that was done before. @throws AppError `unavailable` when nobody can say */
    once: async (name: string, send: () => Promise<void>): Promise<void> => {
      noted.add(name);
      if (await store.get(sightings, name)) return;
      await send();
      const at = clock.now();
      const value: Sighting = { side: 'rabbitmq', message_type: '', routing_key: '', at, arrived: false, letter: true };
      const note = insert(sightings, name, value, { expires_at: at + BRIDGE_LIMITS.message_ttl });
      await store.transact([note]).catch(unlessConflict);
    },
    /** Forgets the letters of a batch that is done. */
    forget: async (): Promise<void> => {
      if (noted.size === 0) return;
      const found = await store.getMany(sightings, [...noted]);
      for (const each of found.values()) await store.transact([remove(sightings, each)]).catch(unlessConflict);
    },
  };
};
