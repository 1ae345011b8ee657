/** Reading records: by id strongly consistent, by index as fresh as the index is. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { QueryCommandInput } from '@aws-sdk/lib-dynamodb';
import { AppError } from '../../kit/errors.ts';
import type { Collection, Page, PageRequest, Reader, Stored } from '../../ports/store.ts';
import type { Cursors } from '../cursor.ts';
import { isKey, manyIds, pageOf } from '../limits.ts';
import { indexOf } from '../record.ts';
import { fromItem, hashOf, sortFrom, sortKey, sortOf, sortValue } from './item.ts';
import type { Link } from './link.ts';
import { parallel } from './parallel.ts';

const BATCH = 100;
const ROUNDS = 8;

type Key = { id: string };

/** What DynamoDB leaves out of an answer (16 MB, throttling) is asked for again. */
const batch = async ({ db, attempt }: Link, table: string, keys: Key[]): Promise<Record<string, any>[]> => {
  const items: Record<string, any>[] = [];
  let open = keys;
  for (let round = 1; open.length; round++) {
    const request = { RequestItems: { [table]: { Keys: open, ConsistentRead: true } } };
    const { Responses, UnprocessedKeys } = await attempt(() => db.batchGet(request));
    items.push(...(Responses?.[table] ?? []));
    const left = (UnprocessedKeys?.[table]?.Keys ?? []) as Key[];
    if (left.length && round === ROUNDS) throw new AppError('unavailable', { retry_after: 1 });
    if (left.length === open.length) await sleep(10 * 2 ** round);
    open = left;
  }
  return items;
};

const before = (one: string, other: string): boolean => Buffer.compare(Buffer.from(one), Buffer.from(other)) < 0;

export const reader = (link: Link, cursors: Cursors): Reader => {
  const { db, attempt, clock, table } = link;

  const query = async <T>(
    collection: Collection<string, T>,
    index: string,
    hash: string,
    page?: PageRequest,
  ): Promise<Page<T>> => {
    indexOf(collection, index);
    const { limit, order, cursor, from } = pageOf(page);
    if (!isKey(hash)) return { items: [] };
    const place = { collection: collection.name, index, hash, order };
    const after = cursor === undefined ? undefined : cursors.read(place, cursor);
    // DynamoDB refuses to start outside of what is asked for
    const outside = after !== undefined && from !== undefined && before(after.sort, from);
    if (outside && order === 'desc') return { items: [] };

    const now = clock.now();
    const least = sortFrom(from);
    const request: QueryCommandInput = {
      TableName: table(collection.name),
      IndexName: index,
      KeyConditionExpression: least === undefined ? '#hash = :hash' : '#hash = :hash AND #sort >= :from',
      FilterExpression: 'attribute_not_exists(#expires_at) OR #expires_at > :now',
      ExpressionAttributeNames: {
        '#hash': hashOf(index),
        '#expires_at': 'expires_at',
        ...(least !== undefined && { '#sort': sortOf(index) }),
      },
      ExpressionAttributeValues: { ':hash': hash, ':now': now, ...(least !== undefined && { ':from': least }) },
      ScanIndexForward: order === 'asc',
      ExclusiveStartKey:
        after && !outside
          ? { id: after.id, [hashOf(index)]: hash, [sortOf(index)]: sortKey(after.sort, after.id) }
          : undefined,
    };

    // one more than shown tells whether there is a next page
    const found: Record<string, any>[] = [];
    let size = limit + 1;
    do {
      const { Items = [], LastEvaluatedKey } = await attempt(() => db.query({ ...request, Limit: size }));
      found.push(...Items);
      request.ExclusiveStartKey = LastEvaluatedKey;
      size = Math.min(size * 2, 1000);
    } while (request.ExclusiveStartKey && found.length <= limit);

    const shown = found.slice(0, limit);
    const items = shown.flatMap((item) => fromItem(collection, item, now) ?? []);
    if (found.length <= limit) return { items };
    const last = shown.at(-1)!;
    return { items, next_cursor: cursors.write(place, { sort: sortValue(last[sortOf(index)]), id: last.id }) };
  };

  return {
    get: async (collection, id) => {
      if (!isKey(id)) return undefined;
      const request = { TableName: table(collection.name), Key: { id }, ConsistentRead: true };
      const { Item } = await attempt(() => db.get(request));
      return fromItem(collection, Item, clock.now());
    },

    getMany: async <T>(collection: Collection<string, T>, ids: readonly string[]) => {
      const keys = manyIds(ids).map((id) => ({ id }));
      const chunks = Array.from({ length: Math.ceil(keys.length / BATCH) }, (_, n) =>
        keys.slice(n * BATCH, (n + 1) * BATCH),
      );
      const answers = await parallel(chunks, 4, (chunk) => batch(link, table(collection.name), chunk));
      const now = clock.now();
      const found = new Map<string, Stored<T>>();
      for (const item of answers.flat()) {
        const record = fromItem(collection, item, now);
        if (record) found.set(record.id, record);
      }
      return found;
    },

    query,
  };
};
