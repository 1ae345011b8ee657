/** Brings the tables to today's shape: missing indexes made, and every record written anew as it is read today. */
import type { UpdateTableCommandInput } from '@aws-sdk/client-dynamodb';
import type { Collection } from '../../ports/store.ts';
import { isExpired } from '../record.ts';
import { fromItem, hashOf, type Item, sortOf, toItem } from './item.ts';
import type { Link } from './link.ts';
import { whenActive } from './make-tables.ts';
import { parallel } from './parallel.ts';
import { isConditionFailed } from './retry.ts';
import { indexDefinition } from './tables.ts';

/** Adds indexes that a table lacks, one after the other as DynamoDB wants it. */
const addIndexes = async (
  { client, table }: Link,
  { name, indexes }: Collection,
  progress: () => Promise<void>,
): Promise<void> => {
  const TableName = table(name);
  const { GlobalSecondaryIndexes = [] } = await whenActive(client, TableName, progress);
  const present = new Set(GlobalSecondaryIndexes.map(({ IndexName }) => IndexName));
  for (const missing of Object.keys(indexes).filter((index) => !present.has(index))) {
    const { attributes, index } = indexDefinition(missing);
    await client.call('UpdateTable', {
      TableName,
      AttributeDefinitions: attributes,
      GlobalSecondaryIndexUpdates: [{ Create: index }],
    } satisfies UpdateTableCommandInput);
    await whenActive(client, TableName, progress);
  }
};

const isToday = (collection: Collection, item: Item, today: Item): boolean =>
  item.v === collection.version &&
  Object.keys(collection.indexes).every(
    (index) => item[hashOf(index)] === today[hashOf(index)] && item[sortOf(index)] === today[sortOf(index)],
  );

/**
 * The record keeps its version, as its meaning stays: who read it before may still write. Whoever writes meanwhile goes
 * first; then it is looked at again.
 */
const rewrite = async ({ db, attempt, clock, table }: Link, collection: Collection, seen: Item): Promise<void> => {
  const at = { TableName: table(collection.name) };
  for (let item: Item | undefined = seen; item && !isExpired(item.expires_at, clock.now()); ) {
    const today = toItem(collection, fromItem(collection, item, clock.now())!, item.mark);
    if (isToday(collection, item, today)) return;
    const put = {
      ...at,
      Item: today,
      ConditionExpression: '#version = :version',
      ExpressionAttributeNames: { '#version': 'version' },
      ExpressionAttributeValues: { ':version': item.version },
    };
    try {
      await attempt(() => db.put(put));
      return;
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
    }
    const get = { ...at, Key: { id: item.id }, ConsistentRead: true };
    item = (await attempt(() => db.get(get))).Item as Item | undefined;
  }
};

const rewriteAll = async (link: Link, collection: Collection, progress: () => Promise<void>): Promise<void> => {
  let ExclusiveStartKey: Record<string, unknown> | undefined;
  do {
    const scan = { TableName: link.table(collection.name), ConsistentRead: true, ExclusiveStartKey };
    const { Items, LastEvaluatedKey } = await link.attempt(() => link.db.scan(scan));
    await parallel((Items ?? []) as Item[], 8, (item) => rewrite(link, collection, item));
    ExclusiveStartKey = LastEvaluatedKey;
    await progress();
  } while (ExclusiveStartKey);
};

/** Safe to repeat after it was cut off anywhere. `progress` is awaited after each step, to keep the lock. */
export const migrate = async (
  link: Link,
  collections: readonly Collection<string, any>[],
  progress: () => Promise<void>,
): Promise<void> => {
  for (const collection of collections) {
    await addIndexes(link, collection, progress);
    await progress();
    await rewriteAll(link, collection, progress);
  }
};
