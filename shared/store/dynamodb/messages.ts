/**
 * Messages of the store on DynamoDB.
 *
 * A queue is one partition of the messages table, and the outbox several (places.ts), ordered by message id. It is read
 * strongly consistent from its start, so the first message seen of an order key is the earliest there is; an index could
 * lag and show a later one first. That read is bounded: the priority decides among the first 250 messages of a partition,
 * and further ones are read only until there are enough to claim.
 */
import type { Claimed, Messages } from '../../ports/store.ts';
import type { Link } from './link.ts';
import { type MessageItem, toClaimed } from './message-item.ts';
import type { Owners } from './owners.ts';
import { endOfClaim, placeOfClaimed, placesOf } from './places.ts';
import { claimable, type Head, pages } from './queue.ts';
import { isConditionFailed, type Tried } from './retry.ts';
import { MESSAGES } from './tables.ts';

export const messages = (link: Link, owners: Owners, tell: (queues: ReadonlySet<string>) => void): Messages => {
  const { db, attempt, clock, ids, table } = link;

  /** The message if it is under this claim. */
  const ownClaim = async (place: string, id: string, claim: string): Promise<Claimed | undefined> => {
    const request = { TableName: table(MESSAGES), Key: { queue: place, id }, ConsistentRead: true };
    const { Item } = await attempt(() => db.get(request));
    return Item?.claim === claim ? toClaimed(Item as MessageItem) : undefined;
  };

  /** Undefined when somebody else was faster. */
  const claimOne = async (
    { queue: place, id, claim: before = '' }: Head,
    { now, due, until }: { now: number; due: number; until: number },
  ): Promise<Claimed | undefined> => {
    const claim = `${owners.name}.${ids.random(12)}${endOfClaim(place)}`;
    const tried: Tried = { unknown: false };
    const request = {
      TableName: table(MESSAGES),
      Key: { queue: place, id },
      UpdateExpression: 'SET #claim = :claim, #claimed_until = :until ADD #attempts :one',
      ConditionExpression:
        'attribute_exists(#id) AND #available_at <= :due AND ' +
        '(attribute_not_exists(#claimed_until) OR #claimed_until <= :now OR #claim = :before)',
      ExpressionAttributeNames: {
        '#id': 'id',
        '#claim': 'claim',
        '#claimed_until': 'claimed_until',
        '#attempts': 'attempts',
        '#available_at': 'available_at',
      },
      ExpressionAttributeValues: {
        ':claim': claim,
        ':until': until,
        ':now': now,
        ':due': due,
        ':before': before,
        ':one': 1,
      },
      ReturnValues: 'ALL_NEW' as const,
    };
    try {
      return toClaimed((await attempt(() => db.update(request), tried)).Attributes as MessageItem);
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
      return tried.unknown ? ownClaim(place, id, claim) : undefined;
    }
  };

  return {
    claim: async (queue, { limit, lease_ms, due_by }) => {
      const now = clock.now();
      const due = due_by ?? now;
      const wake = () => tell(new Set([queue]));
      const heads = await claimable(link, queue, { limit, now, due }, (claims) => owners.dead(claims, wake));
      const claimed: Claimed[] = [];
      while (heads.length && claimed.length < limit) {
        const next = heads.splice(0, limit - claimed.length);
        const times = { now, due, until: now + lease_ms };
        const outcomes = await Promise.allSettled(next.map((head) => claimOne(head, times)));
        for (const outcome of outcomes)
          if (outcome.status === 'fulfilled' && outcome.value) claimed.push(outcome.value);
        const failed = outcomes.find(({ status }) => status === 'rejected') as PromiseRejectedResult | undefined;
        // what was claimed is handed out all the same, or it would lie until its lease ends
        if (failed && claimed.length === 0) throw failed.reason;
        if (failed) break;
      }
      owners.hold(claimed, lease_ms);
      return claimed;
    },

    owner: async () => owners.name,
    isGone: async (owner) => owners.isGone(owner),

    release: async (claimed, { available_at, reason }) => {
      const { id, claim } = claimed;
      owners.drop([{ claim }]);
      const tried: Tried = { unknown: false };
      const because = reason === undefined ? '' : ', #reason = :reason';
      const request = {
        TableName: table(MESSAGES),
        Key: { queue: placeOfClaimed(claimed), id },
        UpdateExpression: `SET #available_at = :at, #released = :claim${because} REMOVE #claim, #claimed_until`,
        ConditionExpression: '#claim = :claim',
        ExpressionAttributeNames: {
          '#available_at': 'available_at',
          '#released': 'released',
          '#claim': 'claim',
          '#claimed_until': 'claimed_until',
          ...(because && { '#reason': 'reason' }),
        },
        ExpressionAttributeValues: { ':at': available_at, ':claim': claim, ...(because && { ':reason': reason }) },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
      };
      try {
        await attempt(() => db.update(request), tried);
        return true;
      } catch (error) {
        if (!isConditionFailed(error)) throw error;
        return tried.unknown && error.Item?.released?.S === claim;
      }
    },

    depth: async (queue) => {
      let count = 0;
      let oldest = Number.POSITIVE_INFINITY;
      const add = async (place: string): Promise<void> => {
        for await (const page of pages(link, place, undefined, { attributes: ['since'] })) {
          count += page.length;
          for (const { since } of page) oldest = Math.min(oldest, since);
        }
      };
      await Promise.all(placesOf(queue).map(add));
      return count ? { count, oldest_at: oldest } : { count };
    },

    peek: async (queue, limit, after) => {
      const first = async (place: string): Promise<MessageItem[]> => {
        const found: MessageItem[] = [];
        for await (const page of pages(link, place, limit, { after })) {
          found.push(...page);
          if (found.length >= limit) break;
        }
        return found;
      };
      const found = (await Promise.all(placesOf(queue).map(first))).flat();
      return found
        .sort((one, other) => (one.id < other.id ? -1 : 1))
        .slice(0, limit)
        .map(toClaimed);
    },
  };
};
