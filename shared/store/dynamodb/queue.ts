/** A queue as it is read: strongly consistent, from its start, page by page. */
import { QueryCommand, type QueryCommandInput } from '@aws-sdk/lib-dynamodb';
import { isKey } from '../limits.ts';
import type { Link } from './link.ts';
import type { MessageItem } from './message-item.ts';
import { MESSAGES } from './tables.ts';

/** How many messages are looked at together; the priority decides among these. */
const WINDOW = 250;

/** What has to be known of a message to choose it. */
export type Head = Pick<MessageItem, 'id' | 'order_key' | 'priority' | 'available_at' | 'claimed_until'>;

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
    const { Items, LastEvaluatedKey } = await attempt(() => db.send(new QueryCommand(request)));
    yield (Items ?? []) as MessageItem[];
    request.ExclusiveStartKey = LastEvaluatedKey;
  } while (request.ExclusiveStartKey);
};

const foremost = (one: Head, other: Head): number =>
  other.priority - one.priority || one.available_at - other.available_at || (one.id < other.id ? -1 : 1);

/** What can be claimed now and is due, best first: at least `limit` of them unless the queue has fewer. */
export const claimable = async (
  link: Link,
  queue: string,
  limit: number,
  now: number,
  due: number,
): Promise<Head[]> => {
  const found: Head[] = [];
  const keys = new Set<string>();
  const attributes = ['id', 'order_key', 'priority', 'available_at', 'claimed_until'] as const;
  for await (const page of pages(link, queue, WINDOW, { attributes })) {
    for (const head of page) {
      // the first of a key stands for it, also while it is in work or waits for its time
      if (head.order_key && keys.has(head.order_key)) continue;
      keys.add(head.order_key);
      if (head.available_at <= due && (head.claimed_until ?? 0) <= now) found.push(head);
    }
    if (found.length >= limit) break;
  }
  return found.sort(foremost);
};
