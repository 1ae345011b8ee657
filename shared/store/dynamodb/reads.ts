/** Reading records: by id strongly consistent, by index as fresh as the index is. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { QueryCommandInput } from '@aws-sdk/lib-dynamodb';
import { AppError } from '../../kit/errors.ts';
import type { Collection, Page, PageRequest, Reader, Stored } from '../../ports/store.ts';
import { type Cursors, cursorAt } from '../cursor.ts';
import { behindPrefix, isBefore, isKey, manyIds, pageOf } from '../limits.ts';
import { indexOf } from '../record.ts';
import { fromItem, hashOf, shardsOf, sortFrom, sortKey, sortOf, sortValue } from './item.ts';
import type { Link } from './link.ts';
import { firstOf, Ordered } from './ordered.ts';
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

export const reader = (link: Link, cursors: Cursors): Reader => {
  const { db, attempt, clock, table } = link;

  const query = async <T>(
    collection: Collection<string, T>,
    index: string,
    hash: string,
    page?: PageRequest,
  ): Promise<Page<T>> => {
    const { shards } = indexOf(collection, index);
    const { limit, order, cursor, from, prefix } = pageOf(page);
    if (!isKey(hash)) return { items: [] };
    const place = { collection: collection.name, index, hash, order, prefix };
    const after = cursor === undefined ? undefined : cursors.read(place, cursor);
    // DynamoDB refuses to start outside of what is asked for
    const outside = after !== undefined && from !== undefined && isBefore(after.sort, from);
    if (outside && order === 'desc') return { items: [] };

    const now = clock.now();
    const least = sortFrom(prefix || from);
    // a sort attribute goes on behind its value, so that none is equal to this bound
    const until = sortFrom(prefix && behindPrefix(prefix));
    const bound = until === undefined ? ' AND #sort >= :from' : ' AND #sort BETWEEN :from AND :until';
    const start = after && !outside ? { id: after.id, [sortOf(index)]: sortKey(after.sort, after.id) } : undefined;
    const request = (partition: string): QueryCommandInput => ({
      TableName: table(collection.name),
      IndexName: index,
      KeyConditionExpression: `#hash = :hash${least === undefined ? '' : bound}`,
      FilterExpression: 'attribute_not_exists(#expires_at) OR #expires_at > :now',
      ExpressionAttributeNames: {
        '#hash': hashOf(index),
        '#expires_at': 'expires_at',
        ...(least !== undefined && { '#sort': sortOf(index) }),
      },
      ExpressionAttributeValues: {
        ':hash': partition,
        ':now': now,
        ...(least !== undefined && { ':from': least }),
        ...(until !== undefined && { ':until': until }),
      },
      ScanIndexForward: order === 'asc',
      ExclusiveStartKey: start && { ...start, [hashOf(index)]: partition },
    });

    // one more than shown tells whether there is a next page
    const partitions = shardsOf(hash, shards);
    const ask = (asked: QueryCommandInput) => attempt(() => db.query(asked));
    const lists = partitions.map((each) => new Ordered(ask, request(each), limit + 1, partitions.length));
    const found = await firstOf(lists, limit + 1, sortOf(index), order);

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
    cursorAt: cursorAt(cursors),
  };
};
