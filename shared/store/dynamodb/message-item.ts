/** A message as an item of the messages table, and how one is added and removed within a transaction. */
import type { Claimed, NewMessage } from '../../ports/store.ts';
import type { Link } from './link.ts';
import { placeOf, placeOfClaimed, queueAt } from './places.ts';
import { MESSAGES } from './tables.ts';

/** Every attribute that a new message has is always there, so that "leave it as it is" can be said of each. */
export interface MessageItem {
  /** The partition: that of the queue, or of a part of it (places.ts). */
  queue: string;
  id: string;
  /** '' for none. */
  order_key: string;
  priority: number;
  available_at: number;
  /** Unix ms: from when on it waits, for its age. */
  since: number;
  attempts: number;
  /** '' for none. */
  reason: string;
  /** As JSON. */
  body: string;
  claim?: string;
  claimed_until?: number;
  /** The claim that was given back last: how a release recognizes itself after its answer was lost. */
  released?: string;
}

/** Tells messages apart that are written together. */
export const messageKey = (place: string, id: string): string => `${place}\0${id}`;

const toItem = (message: NewMessage, now: number): MessageItem => ({
  queue: placeOf(message),
  id: message.id,
  order_key: message.order_key ?? '',
  priority: message.priority ?? 0,
  available_at: message.available_at,
  since: Math.max(message.available_at, now),
  attempts: message.attempts ?? 0,
  reason: message.reason ?? '',
  body: JSON.stringify(message.body ?? null),
});

export const toClaimed = (item: MessageItem): Claimed => ({
  queue: queueAt(item.queue),
  id: item.id,
  ...(item.order_key && { order_key: item.order_key }),
  priority: item.priority,
  available_at: item.available_at,
  attempts: item.attempts,
  ...(item.reason && { reason: item.reason }),
  body: JSON.parse(item.body),
  claim: item.claim ?? '',
});

/**
 * Adds a message unless its queue holds it. Not a put under the condition that there is none, because that would fail
 * the whole transaction: an update whose every part yields to what is there.
 */
export const added = ({ table }: Link, message: NewMessage, now: number) => {
  const { queue, id, ...attributes } = toItem(message, now);
  const names = Object.keys(attributes);
  return {
    Update: {
      TableName: table(MESSAGES),
      Key: { queue, id },
      UpdateExpression: `SET ${names.map((name) => `#${name} = if_not_exists(#${name}, :${name})`).join(', ')}`,
      ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
      ExpressionAttributeValues: Object.fromEntries(Object.entries(attributes).map(([name, to]) => [`:${name}`, to])),
    },
  };
};

/** Removes a claimed message, or puts `again` in its place, if the claim still holds. */
export const settled = ({ table }: Link, claimed: Claimed, again: NewMessage | undefined, now: number) => {
  const { id, claim } = claimed;
  const conditional = {
    TableName: table(MESSAGES),
    ConditionExpression: '#claim = :claim',
    ExpressionAttributeNames: { '#claim': 'claim' },
    ExpressionAttributeValues: { ':claim': claim },
  };
  return again
    ? { Put: { ...conditional, Item: toItem(again, now) } }
    : { Delete: { ...conditional, Key: { queue: placeOfClaimed(claimed), id } } };
};
