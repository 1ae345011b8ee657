/** Promises about what fails: bounded tries with backoff, then the dead letters; limits of queues. */
import { describe, expect, test } from 'vitest';
import { AppError } from '../../shared/kit/errors.ts';
import { OUTBOX } from '../../shared/kit/event.ts';
import { probePlatform, QUEUE, seenBy } from '../messaging/rig.ts';
import { type Bench, envelopeText, eventually, noteOn } from './bus-harness.ts';
import type { Given } from './bus-suite.ts';

const counted = ({ rig: { counts } }: Bench, result: string): number =>
  counts.get(`perfect21_queue_messages_total queue=${QUEUE} result=${result}`) ?? 0;

export const failures = ({ open, traits }: Given): void => {
  const { tries, backoff } = traits;
  const textOf = (content: string): string => JSON.parse(content).data.text;

  describe('sees to what fails', () => {
    test(`for now: ${tries} tries with growing waits, then it is a dead letter`, async () => {
      const at: number[] = [];
      const bench = await open(
        probePlatform(() => {
          at.push(backoff.now());
          throw new AppError('unavailable');
        }),
      );
      const { host } = await bench.start();
      await noteOn(host, 'never');
      await eventually(bench, async () => (await bench.dead()).length, 'the dead letter');
      expect(at).toHaveLength(tries);
      for (const [n, step] of backoff.steps.entries()) {
        const waited = at[n + 1]! - at[n]!;
        expect(waited, `wait ${n + 1}`).toBeGreaterThanOrEqual(step * (1 - backoff.spread) - backoff.early);
        expect(waited, `wait ${n + 1}`).toBeLessThanOrEqual(step * (1 + backoff.spread) + backoff.late);
      }
      const [letter, ...others] = await bench.dead();
      expect(others).toEqual([]);
      expect(textOf(letter!.content)).toBe('never');
      expect(letter!.reason).toBe(`gave up after ${tries} tries: unavailable`);
      expect(await bench.waiting()).toBe(0);
    });

    test('once, and handles it at a later try', async () => {
      const failed = new Set<string>();
      const bench = await open(
        probePlatform(({ message_id }) => {
          if (failed.has(message_id)) return;
          failed.add(message_id);
          throw new AppError('conflict');
        }),
      );
      const { host } = await bench.start();
      for (const text of ['one', 'two', 'three']) await noteOn(host, text);
      await eventually(bench, async () => (await seenBy(bench.rig.store)).length === 3, 'the second tries');
      expect((await seenBy(bench.rig.store)).sort()).toEqual(['one', 'three', 'two']);
      expect(await bench.dead()).toEqual([]);
    });

    test('for ever: poison becomes a dead letter and delays nobody', async () => {
      const bench = await open();
      const { notJson, noEnvelope } = traits.poison;
      const poison: [string, string][] = [
        [notJson, '{"message_id":'],
        [noEnvelope, '{"hello":"world"}'],
        [noEnvelope, envelopeText('x', { timestamp: 'yesterday' })],
        ['invalid_request metadata.version', envelopeText('x', { metadata: { version: 7 } })],
        ['invalid_request data.text', envelopeText(5)],
      ];
      // a type that nobody knows is no poison: a later release may know it, others have it in their queues
      await bench.inject(envelopeText('x', { message_type: 'no.such' }));
      for (const [, content] of poison) await bench.inject(content);
      await bench.inject(envelopeText('good'));
      const { drain } = await bench.start();
      await eventually(bench, async () => (await seenBy(bench.rig.store)).includes('good'), 'the good one');
      await eventually(bench, async () => (await bench.dead()).length >= poison.length, 'the dead letters');
      await drain();
      const letters = await bench.dead();
      expect(letters.map(({ content }) => content).sort()).toEqual(poison.map(([, content]) => content).sort());
      const reasons = poison.map(([reason]) => reason);
      expect(letters.map(({ reason }) => reason).sort()).toEqual(reasons.sort());
      expect(await seenBy(bench.rig.store)).toEqual(['good']);
      expect(await bench.waiting()).toBe(0);
    });

    test('before the bus: an outbox row that no bus can carry is parked and holds up nobody', async () => {
      const bench = await open();
      const { store, clock } = bench.rig;
      const row = { queue: OUTBOX, id: 'poison', available_at: clock.now(), priority: 9, body: { odd: true } };
      await store.transact([], { enqueue: [row] });
      const { host } = await bench.start();
      await noteOn(host, 'good');
      await eventually(bench, async () => (await seenBy(store)).length, 'the good one');
      const [letter] = await store.messages.peek('perfect21.dead', 10);
      expect(letter).toMatchObject({ reason: 'not an event', body: { from: OUTBOX, id: 'poison' } });
      // the broker confirms the good one after its consumer saw it
      await eventually(bench, async () => (await store.messages.depth(OUTBOX)).count === 0, 'an empty outbox');
    });

    test(`when a queue is full: ${traits.full}`, async () => {
      const bench = await open(probePlatform(), { max_length: 3 });
      const { host, stop } = await bench.start({ consume: false });
      for (const text of ['0', '1', '2', '3', '4']) await noteOn(host, text);
      const gone = traits.full === 'the oldest become dead letters' ? 2 : 0;
      const most = traits.full === 'it never is' ? 5 : 3;
      // how many a quorum queue takes beyond its length is not said
      const full = async () => (await bench.waiting()) >= most && (await bench.waiting()) <= 5;
      await eventually(bench, full, 'the full queue');
      await eventually(bench, async () => (await bench.dead()).length === gone, 'the dead letters');
      await stop();
      await bench.start();
      await eventually(bench, async () => (await seenBy(bench.rig.store)).length === 5 - gone, 'the others');
      const letters = await bench.dead();
      expect(letters.map(({ content }) => textOf(content)).sort()).toEqual(['0', '1'].slice(0, gone));
      expect(letters.map(({ reason }) => reason)).toEqual(['maxlen', 'maxlen'].slice(0, gone));
      expect((await seenBy(bench.rig.store)).sort()).toEqual(['0', '1', '2', '3', '4'].slice(gone));
      await eventually(bench, async () => counted(bench, 'overflow') === gone, 'their count');
    });

    test('when one waits too long it becomes a dead letter', async () => {
      const bench = await open(probePlatform(), { message_ttl: 300 });
      const { host, stop } = await bench.start({ consume: false });
      await noteOn(host, 'old');
      await eventually(bench, async () => (await bench.waiting()) === 1, 'its place in the queue');
      await stop();
      await bench.tick();
      await new Promise((resolve) => setTimeout(resolve, 300));
      const later = await bench.start();
      await noteOn(later.host, 'new');
      await eventually(bench, async () => (await seenBy(bench.rig.store)).includes('new'), 'the new one');
      const both = async () => (await seenBy(bench.rig.store)).length + (await bench.dead()).length === 2;
      await eventually(bench, both, 'the old one');
      const letters = await bench.dead();
      expect(letters.map(({ reason, content }) => [reason, textOf(content)])).toEqual([['expired', 'old']]);
      expect(await seenBy(bench.rig.store)).toEqual(['new']);
      await eventually(bench, async () => counted(bench, 'expired') === 1, 'its count');
    });
  });
};
