/** Promises about messages: claims, order, leases, settling. */
import { describe, expect, test } from 'vitest';
import { insert, WriteConflict } from '../../shared/ports/store.ts';
import { message, notes } from './store-harness.ts';
import { idsOf, LEASE, put, settle, take } from './store-steps.ts';
import type { Rig } from './store-suite.ts';

export const messages = (rig: () => Rig): void => {
  describe('holds messages', () => {
    test('a message comes as it was enqueued, once, and is gone when settled', async () => {
      const { open, clock } = rig();
      const store = await open();
      const body = { deep: [{ text: '\u0000 漢 "' }], none: null };
      const sent = message({ at: clock.now(), order_key: 'u1', priority: 7, body, reason: 'again', attempts: 2 });
      await put(store, sent);
      const [claimed, ...others] = await take(store);
      expect(others).toEqual([]);
      expect(claimed).toEqual({ ...sent, attempts: 3, claim: expect.stringMatching(/./) });
      expect(await take(store)).toEqual([]);
      await settle(store, claimed!);
      clock.pass(LEASE * 10);
      expect(await take(store)).toEqual([]);
      expect(await store.messages.depth('q')).toEqual({ count: 0 });
    });

    test('messages wait until they are available, and queues do not mix', async () => {
      const { open, clock } = rig();
      const store = await open();
      const now = message({ at: clock.now() });
      const later = message({ at: clock.now() + 100 });
      await put(store, later, now, message({ at: clock.now(), queue: 'Q' }), message({ at: clock.now(), queue: 'q2' }));
      expect(idsOf(await take(store))).toEqual([now.id]);
      clock.pass(99);
      expect(await take(store)).toEqual([]);
      clock.pass(1);
      expect(idsOf(await take(store))).toEqual([later.id]);
    });

    test('only what became available by a given time is claimed, when that is asked for', async () => {
      const { open, clock } = rig();
      const store = await open();
      const [old, urgent] = [message({ at: clock.now() }), message({ at: clock.now() + 50, priority: 9 })];
      await put(store, old, urgent);
      clock.pass(100);
      const by = (due_by: number) => store.messages.claim('q', { limit: 10, lease_ms: LEASE, due_by });
      expect(await by(clock.now() - 101)).toEqual([]);
      expect(idsOf(await by(clock.now() - 100))).toEqual([old.id]);
      expect(await by(clock.now() - 51)).toEqual([]);
      expect(idsOf(await by(clock.now() - 50))).toEqual([urgent.id]);
    });

    test('a claim that is not settled in its lease is claimed again, and the first one is lost', async () => {
      const { open, clock } = rig();
      const store = await open();
      const [lost, waiting] = [message({ at: clock.now() }), message({ at: clock.now() })];
      await put(store, lost, waiting);
      const [first] = await take(store, 1);
      clock.pass(LEASE - 1);
      expect(idsOf(await take(store))).toEqual([waiting.id]);
      clock.pass(1);
      const [second] = await take(store);
      expect(second).toMatchObject({ id: lost.id, attempts: 2 });
      expect(second!.claim).not.toBe(first!.claim);
      expect(await store.messages.release(first!, { available_at: clock.now() })).toBe(false);
      await expect(settle(store, first!)).rejects.toMatchObject({ name: 'WriteConflict', at: -1 });
      await settle(store, second!);
      await expect(settle(store, second!)).rejects.toBeInstanceOf(WriteConflict);
    });

    test('a released message keeps its reason and attempts and comes again from its new time on', async () => {
      const { open, clock } = rig();
      const store = await open();
      await put(store, message({ at: clock.now() }));
      const [first] = await take(store);
      expect(await store.messages.release(first!, { available_at: clock.now() + 5, reason: 'busy' })).toBe(true);
      expect(await store.messages.release(first!, { available_at: clock.now() })).toBe(false);
      expect(await take(store)).toEqual([]);
      clock.pass(5);
      expect(await take(store)).toMatchObject([{ attempts: 2, reason: 'busy', available_at: clock.now() }]);
    });

    test('writes, settled and enqueued messages happen together or not at all', async () => {
      const { open, clock } = rig();
      const store = await open();
      const [one, two, three] = [1, 2, 3].map(() => message({ at: clock.now() }));
      await put(store, one!, two!);
      const [a, b] = await take(store);
      await settle(store, b!);
      const write = insert(notes, 'n', { text: 'done' });
      await expect(store.transact([write], { settle: [a!, b!], enqueue: [three!] })).rejects.toMatchObject({ at: -1 });
      expect(await store.get(notes, 'n')).toBeUndefined();
      expect(idsOf(await store.messages.peek('q', 10))).toEqual([one!.id]);
      await store.transact([write], { settle: [a!], enqueue: [three!] });
      expect(idsOf(await store.messages.peek('q', 10))).toEqual([three!.id]);
      const failing = store.transact([write], { settle: await take(store), enqueue: [message({ at: 0 })] });
      await expect(failing).rejects.toMatchObject({ at: 0 });
      expect(idsOf(await store.messages.peek('q', 10))).toEqual([three!.id]);
      clock.pass(LEASE);
      expect(idsOf(await take(store))).toEqual([three!.id]);
    });

    test('a message may move: settled and enqueued under one id, in its queue or another', async () => {
      const { open, clock } = rig();
      const store = await open();
      const sent = message({ at: clock.now(), order_key: 'a' });
      await put(store, sent, message({ at: clock.now(), order_key: 'a' }));
      const [first] = await take(store);
      await store.transact([], { settle: [first!], enqueue: [{ ...sent, body: 'again' }] });
      const [second] = await take(store);
      expect(second).toMatchObject({ id: sent.id, body: 'again', attempts: 1 });
      await store.transact([], { settle: [second!], enqueue: [{ ...sent, queue: 'parked', attempts: 4 }] });
      expect(await store.messages.peek('parked', 5)).toMatchObject([{ id: sent.id, attempts: 4 }]);
      expect(await take(store)).toHaveLength(1);
    });

    test('a message that its queue holds already is left as it is', async () => {
      const { open, clock } = rig();
      const store = await open();
      const sent = message({ at: clock.now(), body: 'first' });
      await put(store, sent, { ...sent, body: 'twin' });
      const [claimed] = await take(store);
      await store.transact([insert(notes, 'n', { text: '' })], { enqueue: [{ ...sent, body: 'second' }] });
      expect(await store.get(notes, 'n')).toBeDefined();
      expect(await store.messages.peek('q', 5)).toMatchObject([{ body: 'first', claim: claimed!.claim }]);
      await put(store, { ...sent, queue: 'q2' });
      await settle(store, claimed!);
      expect(await store.messages.depth('q2')).toMatchObject({ count: 1 });
    });

    test('depth and peek show what waits, claimed or not, without claiming', async () => {
      const { open, clock } = rig();
      const store = await open();
      const since = clock.now();
      const first = message({ at: since });
      await put(store, first);
      clock.pass(500);
      await put(store, message({ at: clock.now(), priority: 9 }), message({ at: clock.now() + 10 }));
      expect(await store.messages.depth('q')).toEqual({ count: 3, oldest_at: since });
      const [high] = await take(store, 1);
      const [low] = await take(store, 1);
      await store.messages.release(low!, { available_at: clock.now() + 1000 });
      expect(await store.messages.depth('q')).toEqual({ count: 3, oldest_at: since });
      const seen = await store.messages.peek('q', 2);
      expect(idsOf(seen)).toEqual([first.id, high!.id]);
      expect(seen[1]!.attempts).toBe(1);
      const [, , last] = await store.messages.peek('q', 3);
      expect(idsOf(await store.messages.peek('q', 2, first.id))).toEqual([high!.id, last!.id]);
      expect(await store.messages.peek('q', 2, last!.id)).toEqual([]);
      expect(await store.messages.peek('empty', 2)).toEqual([]);
    });

    test('the oldest is what waits longest, whatever its id', async () => {
      const { open, clock } = rig();
      const store = await open();
      const since = clock.now();
      await put(store, { ...message({ at: since }), id: 'z' });
      clock.pass(500);
      await put(store, { ...message({ at: clock.now() }), id: 'a' });
      expect(await store.messages.depth('q')).toEqual({ count: 2, oldest_at: since });
    });

    test('a commit that enqueued tells the listeners which queues, after it can be read', async () => {
      const { open, clock } = rig();
      const store = await open();
      const told: string[][] = [];
      const stop = store.onCommit((queues) => told.push([...queues].sort()));
      await put(store, message({ at: clock.now() }), message({ at: clock.now() }), message({ at: 0, queue: 'q2' }));
      expect(told).toEqual([['q', 'q2']]);
      await store.transact([insert(notes, 'n', { text: '' })]);
      const failing = store.transact([insert(notes, 'n', { text: '' })], { enqueue: [message({ at: 0 })] });
      await expect(failing).rejects.toBeInstanceOf(WriteConflict);
      expect(told).toHaveLength(1);
      stop();
      await put(store, message({ at: clock.now() }));
      expect(told).toHaveLength(1);
    });
  });
};
