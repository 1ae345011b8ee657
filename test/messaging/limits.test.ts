import { afterEach, expect, test } from 'vitest';
import { DEAD, type DeadLetter } from '../../shared/messaging/dead-letters.ts';
import { type Limits, startLimits } from '../../shared/messaging/embedded/limits.ts';
import type { QueueLimits } from '../../shared/messaging/topology.ts';
import type { NewMessage } from '../../shared/ports/store.ts';
import { openRig, probeCollections, probePlatform, QUEUE, type Rig } from './rig.ts';

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** Limits on a queue that nobody consumes, and how often its length was asked for. */
const limited = async (given: QueueLimits) => {
  const rig = await openRig({ platform: probePlatform(), collections: probeCollections });
  const { store } = rig;
  let asked = 0;
  const { depth } = store.messages;
  store.messages.depth = (queue) => {
    asked++;
    return depth.call(store.messages, queue);
  };
  const limits = startLimits(rig.host.ports, [QUEUE], given);
  open.push(rig.close, limits.stop);
  return { ...rig, limits, asked: () => asked };
};
let made = 0;
const put = async ({ store, clock, limits }: Rig & { limits: Limits }, more: Partial<NewMessage> = {}) => {
  limits.added(QUEUE);
  const id = String(++made).padStart(6, '0');
  await store.transact([], { enqueue: [{ queue: QUEUE, id, available_at: clock.now(), body: {}, ...more }] });
  return id;
};
const counted = ({ counts }: Rig, result: string) =>
  counts.get(`perfect21_queue_messages_total queue=${QUEUE} result=${result}`);

test('what expired in a queue without a consumer becomes a dead letter at the next sweep, and its tries stay as they were', async () => {
  const given = await limited({ message_ttl: 1_000 });
  const { store, clock, limits } = given;
  const old = await put(given, { attempts: 2 });
  clock.pass(500);
  const urgent = await put(given, { priority: 9 });
  const waiting = await put(given, { available_at: clock.now() + 5_000 });
  clock.pass(500);
  await limits.sweep();
  const letters = await store.messages.peek(DEAD, 10);
  expect(letters).toMatchObject([{ reason: 'expired', attempts: 2, body: { id: old, from: QUEUE, attempts: 2 } }]);
  expect((await store.messages.peek(QUEUE, 10)).map(({ id, attempts }) => [id, attempts])).toEqual([
    [urgent, 0],
    [waiting, 0],
  ]);
  expect(counted(given, 'expired')).toBe(1);
});

test('a queue that overflows loses the oldest of its most urgent messages', async () => {
  const given = await limited({ max_length: 20 });
  const { store, limits } = given;
  const ids: string[] = [];
  for (let n = 0; n < 30; n++) {
    ids.push(await put(given, { priority: n === 5 ? 9 : 0 }));
    await limits.round();
  }
  const letters = await store.messages.peek(DEAD, 100);
  const dropped = letters.map(({ body }) => (body as DeadLetter).id);
  expect(dropped.sort()).toEqual(ids.slice(0, 10));
  expect(letters.every(({ reason, attempts }) => reason === 'maxlen' && attempts === 0)).toBe(true);
  expect(counted(given, 'overflow')).toBe(10);
  expect(await store.messages.depth(QUEUE)).toMatchObject({ count: 20 });
});

test('deliveries at once leave a full queue no longer than it may be, and an empty one is not counted for each', async () => {
  const full = await limited({ max_length: 20 });
  await Promise.all(Array.from({ length: 50 }, () => put(full)));
  await full.limits.round();
  expect(await full.store.messages.depth(QUEUE)).toMatchObject({ count: 20 });
  const empty = await limited({ max_length: 1_000 });
  for (let n = 0; n < 500; n++) await put(empty);
  await empty.limits.round();
  expect(empty.asked()).toBeLessThanOrEqual(2);
});

test('messages that are being handled, or wait for another try, are not dropped', async () => {
  const given = await limited({ max_length: 1 });
  const { store, clock, limits } = given;
  await put(given, { order_key: 'a' });
  const [held] = await store.messages.claim(QUEUE, { limit: 1, lease_ms: 60_000 });
  const later = await put(given, { available_at: clock.now() + 1_000 });
  await put(given);
  await limits.round();
  expect((await store.messages.peek(QUEUE, 10)).map(({ id }) => id)).toEqual([held!.id, later]);
  expect(counted(given, 'overflow')).toBe(1);
});
