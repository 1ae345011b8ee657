/** What happens to the store's promises when DynamoDB refuses, conflicts, or does something and does not say so. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AppError } from '../../shared/kit/errors.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { insert, remove, type Store, update } from '../../shared/ports/store.ts';
import { dynamodbStore } from '../../shared/store/dynamodb/adapter.ts';
import { type LocalDynamo, startDynamo } from '../engines/dynamodb.ts';
import { type Fault, type FaultyDynamo, faultyDynamo } from '../engines/faulty-dynamo.ts';
import { configFor, fakePorts, hits, message, notes, schema } from './store-harness.ts';

const WRITES = new Set(['PutItem', 'UpdateItem', 'DeleteItem', 'TransactWriteItems']);
const FAULTS: Fault[] = ['throttled', 'conflict', 'lost', 'cut'];

let dynamo: LocalDynamo;
let faulty: FaultyDynamo;
let places = 0;
let store: Store;
/** Another process, to which nothing bad happens. */
let other: Store;
const ports = fakePorts();
const at = () => ports.clock.now();

beforeAll(async () => {
  dynamo = await startDynamo({ durable: true });
  faulty = await faultyDynamo(dynamo.endpoint);
});
afterAll(async () => {
  await faulty.close();
  await dynamo.close();
});
beforeEach(async () => {
  places += 1;
  const config = configFor(`dynamodb://faults-${places}`);
  store = (await dynamodbStore(schema, faulty.options).open(ports, config)).port;
  other = (await dynamodbStore(schema, dynamo.options).open(ports, config)).port;
});
afterEach(async () => {
  faulty.fault = () => undefined;
  await Promise.all([store.close(), other.close()]);
});

/** The first `count` writes meet the fault. */
const failWrites = (fault: Fault, count: number): void => {
  let left = count;
  faulty.seen.length = 0;
  faulty.fault = (operation) => (WRITES.has(operation) && left-- > 0 ? fault : undefined);
};

const thrown = async (promise: Promise<unknown>): Promise<unknown> => promise.then(() => undefined).catch((e) => e);

describe.each(FAULTS)('a write that meets "%s" twice takes effect once:', (fault) => {
  test('an insert', async () => {
    failWrites(fault, 2);
    await store.transact([insert(notes, 'a', { text: '1' })]);
    expect(faulty.seen).toEqual(['PutItem', 'PutItem', 'PutItem']);
    expect((await other.get(notes, 'a'))?.value.text).toBe('1');
  });

  test('an update', async () => {
    await other.transact([insert(notes, 'a', { text: '1' })]);
    const read = (await other.get(notes, 'a'))!;
    failWrites(fault, 2);
    await store.transact([update(notes, read, { text: '2' })]);
    expect((await other.get(notes, 'a'))?.value.text).toBe('2');
  });

  test('a delete', async () => {
    await other.transact([insert(notes, 'a', { text: '1' })]);
    const read = (await other.get(notes, 'a'))!;
    failWrites(fault, 2);
    await store.transact([remove(notes, read)]);
    expect(await other.get(notes, 'a')).toBeUndefined();
  });

  test('records and messages together', async () => {
    failWrites(fault, 2);
    const enqueue = [message({ at: at() }), message({ at: at() })];
    await store.transact([insert(notes, 'a', { text: '1' }), insert(notes, 'b', { text: '1' })], { enqueue });
    expect((await other.getMany(notes, ['a', 'b'])).size).toBe(2);
    expect((await other.messages.depth('q')).count).toBe(2);
  });

  test('a counter, new or not', async () => {
    const expires_at = at() + 1000;
    failWrites(fault, 2);
    expect(await store.increment(hits, 'h', { expires_at })).toBe(1);
    failWrites(fault, 2);
    expect(await store.increment(hits, 'h', { by: 5, expires_at })).toBe(6);
    expect((await other.get(hits, 'h'))?.value.count).toBe(6);
  });

  test('a message, its claim, its release and its settling', async () => {
    failWrites(fault, 2);
    await store.transact([], { enqueue: [message({ at: at() })] });
    failWrites(fault, 2);
    const [first] = await store.messages.claim('q', { limit: 5, lease_ms: 1000 });
    expect(first?.attempts).toBe(1);
    failWrites(fault, 2);
    expect(await store.messages.release(first!, { available_at: at() })).toBe(true);
    const [second] = await other.messages.claim('q', { limit: 5, lease_ms: 1000 });
    expect(second?.attempts).toBe(2);
    failWrites(fault, 2);
    await store.transact([], { settle: [second!] });
    expect(await other.messages.depth('q')).toEqual({ count: 0 });
  });

  test('and a conflict is still told as one', async () => {
    await other.transact([insert(notes, 'a', { text: '1' })]);
    failWrites(fault, 2);
    const failed = store.transact([insert(notes, 'b', { text: '2' }), insert(notes, 'a', { text: '2' })]);
    await expect(failed).rejects.toMatchObject({ name: 'WriteConflict', at: 1 });
    expect(await other.get(notes, 'b')).toBeUndefined();
  });
});

/** Loses the answer of the first such operation, and does something before the second one comes through. */
const loseThen = (lost: string, meanwhile: () => Promise<unknown>): void => {
  let tries = 0;
  faulty.fault = async (operation) => {
    if (operation !== lost) return undefined;
    tries += 1;
    if (tries === 1) return 'lost';
    if (tries === 2) await meanwhile();
    return undefined;
  };
};

test('a message that was taken before its lost answer was repeated does not come back', async () => {
  loseThen('TransactWriteItems', async () => {
    const settle = await other.messages.claim('q', { limit: 1, lease_ms: 1000 });
    expect(settle).toHaveLength(1);
    await other.transact([], { settle });
  });
  await store.transact([insert(notes, 'a', { text: '1' })], { enqueue: [message({ at: at() })] });
  expect(await other.messages.depth('q')).toEqual({ count: 0 });
});

test('a message alone is never lost, and comes twice at most when its answer was lost', async () => {
  const sent = message({ at: at() });
  loseThen('UpdateItem', async () => {
    await other.transact([], { settle: await other.messages.claim('q', { limit: 1, lease_ms: 1000 }) });
  });
  await store.transact([], { enqueue: [sent] });
  faulty.fault = () => undefined;
  const again = await other.messages.claim('q', { limit: 5, lease_ms: 1000 });
  expect(again.map(({ id }) => id)).toEqual([sent.id]);
});

test('a single change is no transaction: it costs half', async () => {
  const alone = async (...given: Parameters<Store['transact']>): Promise<string[]> => {
    faulty.seen.length = 0;
    await store.transact(...given);
    return [...faulty.seen];
  };
  expect(await alone([insert(notes, 'a', { text: '1' })])).toEqual(['PutItem']);
  expect(await alone([remove(notes, (await other.get(notes, 'a'))!)])).toEqual(['DeleteItem']);
  expect(await alone([], { enqueue: [message({ at: at() })] })).toEqual(['UpdateItem']);
  const settle = await other.messages.claim('q', { limit: 1, lease_ms: 1000 });
  expect(await alone([], { settle })).toEqual(['DeleteItem']);
  await expect(store.transact([], { settle })).rejects.toMatchObject({ name: 'WriteConflict', at: -1 });
  const gone = { id: 'a', version: 1, value: { text: '1' } };
  await expect(store.transact([remove(notes, gone)])).rejects.toMatchObject({ name: 'WriteConflict', at: 0 });
  expect(await other.messages.depth('q')).toEqual({ count: 0 });
});

test('nobody is told "deleted" about a record that stands there anew', async () => {
  await other.transact([insert(notes, 'a', { text: '1' })]);
  const read = (await other.get(notes, 'a'))!;
  loseThen('DeleteItem', () => other.transact([insert(notes, 'a', { text: 'theirs' })]));
  await expect(store.transact([remove(notes, read)])).rejects.toMatchObject({ code: 'unavailable' });
  expect((await other.get(notes, 'a'))?.value.text).toBe('theirs');
});

test('nobody is told "conflict" about a write that took effect and was then overwritten', async () => {
  loseThen('PutItem', async () => {
    const read = (await other.get(notes, 'a'))!;
    await other.transact([update(notes, read, { text: 'theirs' })]);
  });
  await expect(store.transact([insert(notes, 'a', { text: 'ours' })])).rejects.toMatchObject({ code: 'unavailable' });
  expect((await other.get(notes, 'a'))?.value.text).toBe('theirs');
});

test('an increment whose answer was lost is counted once although others counted on', async () => {
  const expires_at = at() + 1000;
  await other.increment(hits, 'h', { expires_at });
  loseThen('UpdateItem', async () => {
    for (let n = 0; n < 7; n += 1) await other.increment(hits, 'h', { expires_at });
  });
  await store.increment(hits, 'h', { expires_at });
  expect((await other.get(hits, 'h'))?.value.count).toBe(9);
});

test('a release whose answer was lost is known as done although the message was claimed since', async () => {
  await other.transact([], { enqueue: [message({ at: at() })] });
  const [claimed] = await store.messages.claim('q', { limit: 1, lease_ms: 1000 });
  loseThen('UpdateItem', () => other.messages.claim('q', { limit: 1, lease_ms: 1000 }));
  expect(await store.messages.release(claimed!, { available_at: at() })).toBe(true);
});

test('what never succeeds ends as unavailable, after a bounded number of tries', async () => {
  faulty.seen.length = 0;
  faulty.fault = () => 'throttled';
  const failed = await thrown(store.transact([insert(notes, 'a', { text: '1' }), insert(notes, 'b', { text: '1' })]));
  expect(failed).toBeInstanceOf(AppError);
  expect(failed).toMatchObject({ code: 'unavailable', retryAfter: 1 });
  expect(faulty.seen.length).toBeLessThanOrEqual(6);
  expect(await other.get(notes, 'a')).toBeUndefined();
});

test('an outage does not multiply the load: most calls are sent once', async () => {
  faulty.fault = () => 'throttled';
  faulty.seen.length = 0;
  const calls = 400;
  const outcomes = await Promise.all(Array.from({ length: calls }, (_, n) => thrown(store.get(notes, `${n}`))));
  expect(outcomes.every((outcome) => (outcome as AppError).code === 'unavailable')).toBe(true);
  expect(faulty.seen.length).toBeLessThanOrEqual(calls * 1.3);
  faulty.fault = () => undefined;
  expect(await store.get(notes, '1')).toBeUndefined();
});

test('what a batch leaves out is asked for again', async () => {
  const ids = Array.from({ length: 150 }, (_, n) => `n${n}`);
  await other.transact(ids.slice(0, 75).map((id) => insert(notes, id, { text: id })));
  await other.transact(ids.slice(75).map((id) => insert(notes, id, { text: id })));
  faulty.fault = (operation) => (operation === 'BatchGetItem' ? 'halved' : undefined);
  expect((await store.getMany(notes, ids)).size).toBe(150);
});

test('under a storm of faults nothing is counted, written or delivered twice', async () => {
  let dice = 7;
  const roll = () => {
    dice = (dice * 1103515245 + 12345) % 2 ** 31;
    return dice / 2 ** 31;
  };
  faulty.fault = (operation) => {
    // rarely enough that six tries in a row don't fail, which is `unavailable`, and says nothing of what was counted
    if (!WRITES.has(operation) || roll() > 0.12) return undefined;
    return FAULTS[Math.floor(roll() * FAULTS.length)];
  };
  await store.transact([insert(notes, 'sum', { text: '0' })]);
  let counted = 0;
  let summed = 0;
  const work = async (n: number): Promise<void> => {
    for (let round = 0; round < 5; round += 1) {
      await store.increment(hits, `h${n % 4}`, { expires_at: at() + 60_000 });
      counted += 1;
      await retryConflict(async () => {
        const read = (await store.get(notes, 'sum'))!;
        const enqueue = [message({ at: at(), queue: `storm${n}` })];
        await store.transact([update(notes, read, { text: `${Number(read.value.text) + 1}` })], { enqueue });
      }, 100);
      summed += 1;
      const claimed = await store.messages.claim(`storm${n}`, { limit: 10, lease_ms: 60_000 });
      expect(claimed.map(({ attempts }) => attempts)).toEqual([1]);
      await store.transact([], { settle: claimed });
    }
  };
  await Promise.all(Array.from({ length: 4 }, (_, n) => work(n)));
  faulty.fault = () => undefined;
  const counters = await store.getMany(hits, ['h0', 'h1', 'h2', 'h3']);
  expect([...counters.values()].reduce((sum, { value }) => sum + value.count, 0)).toBe(counted);
  expect((await store.get(notes, 'sum'))?.value.text).toBe(`${summed}`);
}, 20_000);
