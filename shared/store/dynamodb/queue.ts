/** A queue as it is read: strongly consistent, from its start, page by page. */
import type { QueryCommandInput } from '@aws-sdk/lib-dynamodb';
import { isKey } from '../limits.ts';
import type { Link } from './link.ts';
import type { MessageItem } from './message-item.ts';
import { MESSAGES } from './tables.ts';

/** How many messages are looked at together; the priority decides among these. */
const WINDOW = 250;

/** What has to be known of a message to choose it. */
export type Head = Pick<MessageItem, 'id' | 'order_key' | 'priority' | 'available_at' | 'claim' | 'claimed_until'>;

/** The messages of a queue by id: whole ones, or some attributes of each. */
export const pages = async function* (
  { db, attempt, table }: Link,
  queue: string,
  limit: number | undefined,
  { attributes, after }: { attributes?: readonly (keyof MessageItem)[]; after?: string } = {},
): AsyncGenerator<MessageItem[]> {
  if (!isKey(queue)) return;
  const request: QueryCommandInput = {
    TableName: table(MESSAGES),
    ConsistentRead: true,
    KeyConditionExpression: '#queue = :queue',
    ExpressionAttributeNames: {
      '#queue': 'queue',
      ...Object.fromEntries((attributes ?? []).map((name) => [`#${name}`, name])),
    },
    ExpressionAttributeValues: { ':queue': queue },
    ProjectionExpression: attributes?.map((name) => `#${name}`).join(', '),
    Limit: limit,
    ...(after && { ExclusiveStartKey: { queue, id: after } }),
  };
  do {
    const { Items, LastEvaluatedKey } = await attempt(() => db.query(request));
    yield (Items ?? []) as MessageItem[];
    request.ExclusiveStartKey = LastEvaluatedKey;
  } while (request.ExclusiveStartKey);
};

const foremost = (one: Head, other: Head): number =>
  other.priority - one.priority || one.available_at - other.available_at || (one.id < other.id ? -1 : 1);

/**
 * What can be claimed now and is due, best first: at least `limit` of them unless the queue has fewer. A claim that
 * still holds is a reason against it, unless `dead` names it.
 */
export const claimable = async (
  link: Link,
  queue: string,
  { limit, now, due }: { limit: number; now: number; due: number },
  dead: (claims: readonly string[]) => Promise<ReadonlySet<string>>,
): Promise<Head[]> => {
  const found: Head[] = [];
  const keys = new Set<string>();
  const attributes = ['id', 'order_key', 'priority', 'available_at', 'claim', 'claimed_until'] as const;
  for await (const page of pages(link, queue, WINDOW, { attributes })) {
    const holds = ({ claimed_until = 0 }: Head): boolean => claimed_until > now;
    const freed = await dead(page.flatMap((head) => (head.claim && holds(head) ? head.claim : [])));
    for (const head of page) {
      // the first of a key stands for it, also while it is in work or waits for its time
      if (head.order_key && keys.has(head.order_key)) continue;
      keys.add(head.order_key);
      if (head.available_at <= due && (!holds(head) || freed.has(head.claim!))) found.push(head);
    }
    if (found.length >= limit) break;
  }
  return found.sort(foremost);
};
