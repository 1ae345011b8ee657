/**
 * Where the messages of a queue stand: a partition of the messages table takes about 1000 writes a second, which is some 200
 * messages from adding to settling, so that the outbox, through which all events go, has several.
 */
import { createHash } from 'node:crypto';
import { OUTBOX } from '../../kit/event.ts';
import type { Claimed, NewMessage } from '../../ports/store.ts';

/** Never another number: messages of one order key would then stand in two partitions, and their order be lost. */
const SHARDS = 8;
/** Ends the claim of a message that stands in the partition of the queue's own name, where releases before shards put all. */
const UNSHARDED = '.0';

const isSharded = (queue: string): boolean => queue === OUTBOX;

const shard = (queue: string, n: number): string => `${queue}#${n}`;

/** The partition that a new message goes to: one for each order key; those without one are spread. */
export const placeOf = ({ queue, order_key, id }: Pick<NewMessage, 'queue' | 'order_key' | 'id'>): string =>
  isSharded(queue)
    ? shard(
        queue,
        createHash('sha256')
          .update(order_key || id)
          .digest()[0]! % SHARDS,
      )
    : queue;

/** All partitions that may hold messages of a queue; the one of before first. */
export const placesOf = (queue: string): readonly string[] =>
  isSharded(queue) ? [queue, ...Array.from({ length: SHARDS }, (_, n) => shard(queue, n))] : [queue];

/** The queue that a partition is of. */
export const queueAt = (place: string): string => {
  const queue = place.replace(/#\d+$/, '');
  return isSharded(queue) ? queue : place;
};

/** What a claim of a message in this partition ends with. */
export const endOfClaim = (place: string): string => (isSharded(place) ? UNSHARDED : '');

/** The partition of a message that is claimed. */
export const placeOfClaimed = (claimed: Pick<Claimed, 'queue' | 'order_key' | 'id' | 'claim'>): string =>
  claimed.claim.endsWith(UNSHARDED) ? claimed.queue : placeOf(claimed);
