/** Promises about the way of an event: at least once, each effect once, in order, in time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../shared/kit/errors.ts';
import { OUTBOX } from '../../shared/kit/event.ts';
import { insert } from '../../shared/ports/store.ts';
import { note, notes, probePlatform, seenBy } from '../messaging/rig.ts';
import { envelopeText, eventually, noteOn, seenOf } from './bus-harness.ts';
import type { Given } from './bus-suite.ts';

const numbered = (count: number, letter: string): string[] => Array.from({ length: count }, (_, n) => `${letter}${n}`);

export const delivery = ({ open, traits }: Given): void => {
  describe('brings events', () => {
    test('of a committed change to the handler, with its trace and correlation id, and of no other', async () => {
      const contexts: any[] = [];
      const bench = await open(probePlatform((_, context) => void contexts.push(context)));
      const { host, drain } = await bench.start();
      await bench.rig.store.transact([insert(notes, 'taken', { text: 'first' })]);
      await expect(bench.rig.run(note, { id: 'taken', text: 'x' })).rejects.toThrow();
      await noteOn(host, 'hello');
      await eventually(bench, async () => (await seenBy(bench.rig.store)).length, 'the event');
      await drain();
      expect(await seenBy(bench.rig.store)).toEqual(['hello']);
      expect(contexts).toMatchObject([
        {
          request_id: 'request-1',
          door: 'queue',
          caller: { kind: 'service', permissions: [] },
          trace: { trace_id: '4bf92f3577b34da6a3ce929d0e0e4736', sampled: true },
        },
      ]);
      expect(await bench.rig.store.messages.depth(OUTBOX)).toEqual({ count: 0 });
      expect(await bench.waiting()).toBe(0);
    });

    test('again and again where they must be, with one effect', async () => {
      const bench = await open();
      const { store, clock } = bench.rig;
      await noteOn(bench.rig.host, 'once');
      const [row] = await store.messages.peek(OUTBOX, 1);
      const { drain } = await bench.start();
      await eventually(bench, async () => (await seenBy(store)).length, 'the event');
      const same = envelopeText('same');
      for (let again = 0; again < 3; again++) {
        const { id, body } = row!;
        await store.transact([], { enqueue: [{ queue: OUTBOX, id, available_at: clock.now(), body }] });
        await bench.inject(same);
        await eventually(bench, async () => (await seenBy(store)).includes('same'), 'the copy');
        await drain();
      }
      expect((await seenBy(store)).sort()).toEqual(['once', 'same']);
    });

    test(`of one user in order: ${traits.order}`, async () => {
      const bench = await open(probePlatform(() => sleep(Math.random() * 4)));
      const { host } = await bench.start();
      const [a, b] = [numbered(12, 'a'), numbered(12, 'b')];
      for (const [n, text] of a.entries()) {
        await noteOn(host, text, 'a');
        await noteOn(host, b[n]!, 'b');
      }
      await eventually(bench, async () => (await seenOf(bench, ['a', 'b'])).length === 24, 'all events');
      const seen = await seenOf(bench, ['a', 'b']);
      if (traits.order !== 'never') expect(seen).toEqual([...a, ...b]);
      expect(seen.sort()).toEqual([...a, ...b].sort());
      // nor do they use up each other's tries
      expect(await bench.dead()).toEqual([]);
    });

    test('past one that has to be tried again, without holding up other users', async () => {
      const failed = new Set<string>();
      const bench = await open(
        probePlatform(({ data: { text } }) => {
          if (text !== 'a1' || failed.has(text)) return;
          failed.add(text);
          throw new AppError('unavailable');
        }),
      );
      const { host } = await bench.start();
      const [a, b] = [numbered(4, 'a'), numbered(4, 'b')];
      for (const [n, text] of a.entries()) {
        await noteOn(host, text, 'a');
        await noteOn(host, b[n]!, 'b');
      }
      await eventually(bench, async () => (await seenOf(bench, ['a', 'b'])).length === 8, 'all events');
      const { store } = bench.rig;
      expect([...failed]).toEqual(['a1']);
      if (traits.order === 'past a retry') expect(await seenBy(store, 'a')).toEqual(a);
      expect((await seenBy(store, 'a')).sort()).toEqual(a);
      if (traits.order !== 'never') expect(await seenBy(store, 'b')).toEqual(b);
      expect((await seenBy(store, 'b')).sort()).toEqual(b);
    });

    test('with a delay when it is over, and not before', async () => {
      const bench = await open();
      const { host, drain } = await bench.start();
      const { store, clock } = bench.rig;
      const due = clock.now() + 90_000;
      await noteOn(host, 'later', undefined, { delay_ms: 90_000 });
      await noteOn(host, 'now');
      await eventually(bench, async () => (await seenBy(store)).length, 'the other');
      clock.at = due - 1;
      await drain();
      expect(await seenBy(store)).toEqual(['now']);
      clock.pass(1);
      await drain();
      expect(await seenBy(store)).toEqual(['now', 'later']);
    });

    test(`urgent ones first: ${traits.priorities}`, async () => {
      const first = new Set<string>();
      const bench = await open(probePlatform(({ data }) => void first.add(data.text)));
      const relaying = await bench.start({ consume: false });
      const priorities = [0, 5, 9, 1, 7];
      for (const [at, priority] of priorities.entries()) {
        await noteOn(relaying.host, `priority ${priority}`, undefined, { priority });
        await eventually(bench, async () => (await bench.waiting()) === at + 1, 'its place in the queue');
      }
      await relaying.stop();
      await bench.start({ prefetch: 1 });
      await eventually(bench, async () => (await seenBy(bench.rig.store)).length === 5, 'all events');
      const seen = [...first];
      const inTurn = priorities.map((priority) => `priority ${priority}`);
      const order = inTurn.toSorted().reverse();
      if (traits.priorities === 'all ten') expect(seen).toEqual(order);
      if (traits.priorities === 'urgent from 7 on') expect(seen.slice(0, 2).sort()).toEqual(order.slice(0, 2).sort());
      // two urgent ones, then one of the others
      if (traits.priorities === 'two to one from 5 on')
        expect(seen).toEqual([5, 9, 0, 7, 1].map((n) => `priority ${n}`));
      if (traits.priorities === 'each in its turn') expect(seen).toEqual(inTurn);
      expect(seen.sort()).toEqual(order.toReversed());
    });

    test('to a slow consumer no more at a time than it takes, and each once', async () => {
      let [now, most, calls] = [0, 0, 0];
      const bench = await open(
        probePlatform(async () => {
          calls++;
          most = Math.max(most, ++now);
          await sleep(20);
          now--;
        }),
      );
      const { host } = await bench.start({ prefetch: 3 });
      for (const user of numbered(14, 'u')) await noteOn(host, 'slow', user);
      const users = numbered(14, 'u');
      await eventually(bench, async () => (await seenOf(bench, users)).length === 14, 'all events');
      expect(calls).toBe(14);
      expect(most).toBeLessThanOrEqual(traits.held(3));
      expect(most).toBeGreaterThan(1);
    });

    test(`that nobody wants to nobody${traits.tellsUnroutable ? ', and counts them' : ''}`, async () => {
      const [probe] = probePlatform();
      const bench = await open([{ ...probe!, operations: probe!.operations.filter((op) => !op.subscription) }]);
      const { host } = await bench.start();
      await noteOn(host, 'to nobody');
      const { store, counts } = bench.rig;
      await eventually(bench, async () => (await store.messages.depth(OUTBOX)).count === 0, 'the empty outbox');
      const result = traits.tellsUnroutable ? 'unroutable' : 'published';
      expect(counts.get(`perfect21_outbox_messages_total result=${result}`)).toBe(1);
      expect(await bench.dead()).toEqual([]);
    });
  });
};
