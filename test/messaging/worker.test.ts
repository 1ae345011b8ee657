import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { OUTBOX } from '../../shared/kit/event.ts';
import { operation } from '../../shared/kit/operation.ts';
import { service } from '../../shared/kit/service.ts';
import { DEAD, type DeadLetter, replay } from '../../shared/messaging/dead-letters.ts';
import { topologyOf } from '../../shared/messaging/topology.ts';
import type { NewMessage } from '../../shared/ports/store.ts';
import { note, openRig, probeCollections, probePlatform, QUEUE, type Rig, seenBy } from './rig.ts';

const rigs: Rig[] = [];
const rig = async (platform = probePlatform()): Promise<Rig> => {
  const opened = await openRig({ platform, collections: probeCollections });
  rigs.push(opened);
  return opened;
};
afterEach(async () => {
  for (const each of rigs.splice(0)) await each.close();
});

/** A delivery as the relay writes it, with something changed. */
const delivery = (clock: { now(): number }, change: object = {}, id = 'poison'): NewMessage => ({
  queue: QUEUE,
  id,
  available_at: clock.now(),
  body: {
    envelope: {
      message_id: id,
      message_type: 'probe.noted',
      timestamp: '2026-05-09T12:00:00Z',
      source_service: 'probe',
      data: { text: 'x' },
      ...change,
    },
    routing_key: 'probe.events.noted',
    priority: 0,
  },
});

describe('the worker', () => {
  it('replays by command what was given up, with all its tries before it', async () => {
    let down = true;
    let tries = 0;
    const { worker, run, store, clock } = await rig(
      probePlatform(() => {
        tries++;
        if (down) throw new AppError('unavailable');
      }),
    );
    const { drain } = worker();
    await run(note, { id: '1', text: 'late' });
    for (await drain(); (await store.messages.depth(QUEUE)).count; await drain()) clock.pass(60_000);
    expect(tries).toBe(6);
    expect((await store.messages.peek(DEAD, 10))[0]!.body as DeadLetter).toMatchObject({ from: QUEUE, attempts: 6 });

    down = false;
    expect(await replay(store, clock, { from: 'other.queue' })).toBe(0);
    expect(await replay(store, clock, { from: QUEUE })).toBe(1);
    await drain();
    expect(tries).toBe(7);
    expect(await seenBy(store)).toEqual(['late']);
    expect(await store.messages.depth(DEAD)).toEqual({ count: 0 });
  });

  it('passes over a type that nobody knows, and counts it', async () => {
    const { worker, run, store, clock, counts } = await rig();
    await store.transact([], { enqueue: [delivery(clock, { message_type: 'probe.unheard' })] });
    await run(note, { id: '1', text: 'good' });
    await worker().drain();
    expect(await seenBy(store)).toEqual(['good']);
    expect(await store.messages.depth(DEAD)).toEqual({ count: 0 });
    expect(await store.messages.depth(QUEUE)).toEqual({ count: 0 });
    expect(counts.get(`perfect21_queue_messages_total queue=${QUEUE} result=unknown`)).toBe(1);
  });

  it('parks a message whose consumers die with it', async () => {
    const { worker, store, clock } = await rig(probePlatform(() => expect.unreachable()));
    await store.transact([], { enqueue: [{ ...delivery(clock), attempts: 6 }] });
    await worker().drain();
    expect((await store.messages.peek(DEAD, 1))[0]).toMatchObject({ reason: 'its consumers died with it' });
  });

  it('keeps events in the outbox while the bus is away, and counts the tries', async () => {
    let away = true;
    const { worker, run, store, clock } = await rig();
    const published: string[] = [];
    const { drain } = worker({
      bus: {
        publish: async (rows) => {
          if (away) throw new Error('no connection');
          published.push(...rows.map(({ id }) => id));
          return rows.map(() => ({ kind: 'published' }));
        },
      },
    });
    for (const id of ['1', '2', '3']) await run(note, { id, text: id });
    for (let outage = 1; outage <= 20; outage++) {
      await drain();
      expect((await store.messages.peek(OUTBOX, 10)).map(({ attempts }) => attempts)).toEqual([outage, outage, outage]);
      clock.pass(40_000);
    }
    away = false;
    await drain();
    expect(published).toHaveLength(3);
    expect(await store.messages.depth(OUTBOX)).toEqual({ count: 0 });
  });

  it('finishes at a stop what is under way, and takes nothing new', async () => {
    let started = 0;
    let release = (): void => {};
    const running = new Promise<void>((first) => {
      release = first;
    });
    let begin = (): void => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const { worker, run, store } = await rig(
      probePlatform(() => {
        started++;
        begin();
        return running;
      }),
    );
    const { stop } = worker({ prefetch: 1 });
    await run(note, { id: '1', text: 'under way' });
    await begun;
    await run(note, { id: '2', text: 'later' });
    const stopped = stop();
    release();
    await stopped;
    expect(started).toBe(1);
    expect(await seenBy(store)).toEqual(['under way']);
    const waiting = (await store.messages.depth(OUTBOX)).count + (await store.messages.depth(QUEUE)).count;
    expect(waiting).toBe(1);
  });

  it('gives back at a stop what does not finish in time, and holds no more than its prefetch at a time', async () => {
    let started = 0;
    let full = (): void => {};
    const running = new Promise<void>((resolve) => {
      full = resolve;
    });
    const { worker, run, store } = await rig(
      probePlatform(() => {
        started++;
        if (started === 4) full();
        return new Promise<void>(() => {});
      }),
    );
    for (let at = 0; at < 12; at++) await run(note, { id: String(at), text: 'stuck' });
    const { stop } = worker({ grace_ms: 10, prefetch: 4 });
    await running;
    await run(note, { id: 'more', text: 'stuck' });
    await stop();
    expect(started).toBe(4);
    const given = await store.messages.claim(QUEUE, { limit: 100, lease_ms: 1_000 });
    expect(given).toHaveLength((await store.messages.depth(QUEUE)).count);
    expect(given.length + (await store.messages.depth(OUTBOX)).count).toBe(13);
  });

  it('writes to no queue whose handlers would only pass over the type', async () => {
    const other = operation({
      name: 'other.on-nothing',
      summary: 'Handles another type of the same binding',
      subscription: { queue: 'other-service.events', bindings: ['probe.#'], types: ['probe.other'] },
      access: 'service',
      input: z.object({}),
      output: z.object({}),
      run: () => expect.unreachable(),
    });
    const { worker, run, store } = await rig([...probePlatform(), service('other', [other])]);
    const { drain } = worker({ services: ['probe'] });
    await run(note, { id: '1', text: 'x' });
    await drain();
    expect(await store.messages.depth('other-service.events')).toEqual({ count: 0 });
    expect(await seenBy(store)).toEqual(['x']);
  });

  it('relays for services that run in other processes, and consumes only for its own', async () => {
    const { worker, run, store } = await rig();
    await run(note, { id: '1', text: 'x' });
    await worker({ services: ['somebody-else'] }).drain();
    expect(await store.messages.depth(QUEUE)).toMatchObject({ count: 1 });
    await worker({ services: ['probe'] }).drain();
    expect(await seenBy(store)).toEqual(['x']);
  });

  it.each([
    [{ queue: 'probe', bindings: ['a'], types: [] }, /queue/],
    [{ queue: 'probe-service.x', bindings: ['log*'], types: [] }, /pattern/],
  ])('refuses a subscription that not every bus could carry: %j', async (subscription, message) => {
    const [probe] = probePlatform();
    const broken = [service('probe', [{ ...probe!.operations[0]!, subscription }])];
    expect(() => topologyOf(broken)).toThrow(message);
  });
});
