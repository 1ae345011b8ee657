/** A queue as it is read: its partitions strongly consistent, from their start, page by page. */
import type { QueryCommandInput } from '@aws-sdk/lib-dynamodb';
import { isKey } from '../limits.ts';
import type { Link } from './link.ts';
import type { MessageItem } from './message-item.ts';
import { placesOf } from './places.ts';
import { MESSAGES } from './tables.ts';

/** How many messages are looked at together; the priority decides among these. */
const WINDOW = 250;

/** What has to be known of a message to choose it. */
export type Head = Pick<
  MessageItem,
  'queue' | 'id' | 'order_key' | 'priority' | 'available_at' | 'claim' | 'claimed_until'
>;

/** The messages of a partition by id: whole ones, or some attributes of each. */
export const pages = async function* (
  { db, attempt, table }: Link,
  place: string,
  limit: number | undefined,
  { attributes, after }: { attributes?: readonly (keyof MessageItem)[]; after?: string } = {},
): AsyncGenerator<MessageItem[]> {
  if (!isKey(place)) return;
  const request: QueryCommandInput = {
    TableName: table(MESSAGES),
    ConsistentRead: true,
    KeyConditionExpression: '#queue = :queue',
    ExpressionAttributeNames: {
      '#queue': 'queue',
      ...Object.fromEntries((attributes ?? []).map((name) => [`#${name}`, name])),
    },
    ExpressionAttributeValues: { ':queue': place },
    ProjectionExpression: attributes?.map((name) => `#${name}`).join(', '),
    Limit: limit,
    ...(after && { ExclusiveStartKey: { queue: place, id: after } }),
  };
  do {
    const { Items, LastEvaluatedKey } = await attempt(() => db.query(request));
    yield (Items ?? []) as MessageItem[];
    request.ExclusiveStartKey = LastEvaluatedKey;
  } while (request.ExclusiveStartKey);
};

const foremost = (one: Head, other: Head): number =>
  other.priority - one.priority || one.available_at - other.available_at || (one.id < other.id ? -1 : 1);

interface Looked {
  /** What may be claimed. */
  free: Head[];
  /** Of each order key the id of its first message, which stands for it, also while it is in work or waits for its time. */
  firsts: Map<string, string>;
  /** True when there may be further messages, which were not looked at. */
  more: boolean;
}

const ATTRIBUTES = ['queue', 'id', 'order_key', 'priority', 'available_at', 'claim', 'claimed_until'] as const;

type Dead = (claims: readonly string[]) => Promise<ReadonlySet<string>>;
interface Wanted {
  limit: number;
  now: number;
  due: number;
}

const look = async (link: Link, place: string, { limit, now, due }: Wanted, dead: Dead): Promise<Looked> => {
  const free: Head[] = [];
  const firsts = new Map<string, string>();
  for await (const page of pages(link, place, WINDOW, { attributes: ATTRIBUTES })) {
    const holds = ({ claimed_until = 0 }: Head): boolean => claimed_until > now;
    const freed = await dead(page.flatMap((head) => (head.claim && holds(head) ? head.claim : [])));
    for (const head of page) {
      if (head.order_key && firsts.has(head.order_key)) continue;
      if (head.order_key) firsts.set(head.order_key, head.id);
      if (head.available_at <= due && (!holds(head) || freed.has(head.claim!))) free.push(head);
    }
    if (free.length >= limit) return { free, firsts, more: true };
  }
  return { free, firsts, more: false };
};

/**
 * What can be claimed now and is due, best first: at least `limit` of them unless the queue has fewer. A claim that
 * still holds is a reason against it, unless `dead` names it.
 */
export const claimable = async (link: Link, queue: string, wanted: Wanted, dead: Dead): Promise<Head[]> => {
  const looked = await Promise.all(placesOf(queue).map((place) => look(link, place, wanted, dead)));
  const [before, ...shards] = looked as [Looked, ...Looked[]];
  // a key may have messages of before shards, too: those that were not looked at may be the first
  if (shards.length && before.more) return before.free.sort(foremost);
  const isFirst = ({ order_key, id }: Head): boolean =>
    looked.every(({ firsts }) => !((firsts.get(order_key) ?? id) < id));
  return looked.flatMap(({ free }) => free.filter((head) => !head.order_key || isFirst(head))).sort(foremost);
};
