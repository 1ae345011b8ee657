/** The store's promises on DynamoDB about a queue that stands in several partitions, as the outbox does. */

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocument } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { dynamodbStore } from '../../shared/store/dynamodb/adapter.ts';
import { placeOf, placesOf } from '../../shared/store/dynamodb/places.ts';
import { type LocalDynamo, startDynamo } from '../engines/dynamodb.ts';
import { dynamodbHarness } from './store-dynamodb.ts';
import { configFor, fakePorts, message, schema } from './store-harness.ts';
import { idsOf, put, settle, take } from './store-steps.ts';
import { storeContract } from './store-suite.ts';

// the queue of the suite; other processes would not know of it, so what frees the claims of a dead one is not shown here
await vi.hoisted(async () => {
  const { loadedWith } = await import('../support/loaded-with.ts');
  loadedWith('shared/kit/event.ts', (text) => text.replace("OUTBOX = 'outbox'", "OUTBOX = 'q'"));
});

let dynamo: LocalDynamo;
beforeAll(async () => {
  dynamo = await startDynamo({ durable: true });
});
afterAll(() => dynamo.close());

storeContract('dynamodb, sharded', async () => dynamodbHarness(dynamo, 'shards'), {
  reopens: true,
  freesClaims: false,
  goesAway: 'wholly',
});

const onShards = async (name: string) => {
  const ports = fakePorts();
  const config = configFor(`dynamodb://${name}`);
  const { port: store } = await dynamodbStore(schema, dynamo.options).open(ports, config);
  const items = DynamoDBDocument.from(new DynamoDBClient(dynamo.options));
  /** Puts a message where releases before shards put it. */
  const putAsBefore = ({ queue, id, order_key = '', available_at }: ReturnType<typeof message>) => {
    const rest = { order_key, available_at, since: available_at, priority: 0, attempts: 0, reason: '', body: 'null' };
    return items.put({ TableName: `${name}-messages`, Item: { queue, id, ...rest } });
  };
  return { store, at: ports.clock.now(), putAsBefore };
};

test('messages spread over the partitions, those of one order key stand in one', () => {
  const many = Array.from({ length: 400 }, () => message({ at: 0 }));
  const counts = Map.groupBy(many.map(placeOf), (place) => place);
  expect(counts.size).toBe(placesOf('q').length - 1);
  for (const { length } of counts.values()) expect(length).toBeGreaterThan(20);
  expect(new Set(many.map((each) => placeOf({ ...each, order_key: 'u1' }))).size).toBe(1);
  expect(placeOf(message({ at: 0, queue: 'other' }))).toBe('other');
});

test('what an older release left is taken, settled, given back and counted as all else, and first of its order key', async () => {
  const { store, at, putAsBefore } = await onShards('before-shards');
  const [old, late, free, newest] = [1, 2, 3, 4].map((n) => message({ at, ...(n !== 3 && { order_key: 'u1' }) }));
  await put(store, late!, newest!);
  await putAsBefore(old!);
  await putAsBefore(free!);
  expect(await store.messages.depth('q')).toEqual({ count: 4, oldest_at: at });
  expect(idsOf(await store.messages.peek('q', 9))).toEqual(idsOf([old!, late!, free!, newest!]));
  expect(idsOf(await store.messages.peek('q', 9, late!.id))).toEqual(idsOf([free!, newest!]));
  const [first, second, ...others] = await take(store);
  expect([first, second].map((each) => each?.queue)).toEqual(['q', 'q']);
  expect(idsOf([first!, second!]).sort()).toEqual(idsOf([old!, free!]).sort());
  expect(others).toEqual([]);
  expect(await store.messages.release(first!, { available_at: at })).toBe(true);
  const [again] = await take(store);
  expect(again).toMatchObject({ id: first!.id, attempts: 2 });
  await settle(store, again!, second!);
  expect(idsOf(await take(store))).toEqual([late!.id]);
});

test('an older release that goes on writing beside this one keeps the order of a key', async () => {
  const { store, at, putAsBefore } = await onShards('beside-shards');
  const [first, second] = [1, 2].map(() => message({ at, order_key: 'u1' }));
  await put(store, first!);
  await putAsBefore(second!);
  const [claimed, ...others] = await take(store);
  expect([claimed?.id, others]).toEqual([first!.id, []]);
  await settle(store, claimed!);
  expect(idsOf(await take(store))).toEqual([second!.id]);
});

test('a message that comes back under its id moves out of the old partition', async () => {
  const { store, at, putAsBefore } = await onShards('moves-to-shards');
  const sent = message({ at, order_key: 'u1' });
  await putAsBefore(sent);
  const [claimed] = await take(store);
  await store.transact([], { settle: [claimed!], enqueue: [{ ...sent, body: 'again' }] });
  expect(await store.messages.peek('q', 5)).toMatchObject([{ id: sent.id, body: 'again' }]);
});
