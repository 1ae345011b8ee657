import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { rowPublisher } from '../../../shared/messaging/rabbitmq/publisher.ts';
import { CONFIRM_MS, createSender } from '../../../shared/messaging/rabbitmq/sender.ts';
import { topologyOf } from '../../../shared/messaging/topology.ts';
import { probePlatform } from '../rig.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A channel that confirms what a test says. */
const channelOf = () => {
  const channel = new EventEmitter() as any;
  const sent: { key: string; confirm: () => void }[] = [];
  channel.publish = (_exchange: string, key: string, _content: Buffer, _options: object, done: () => void) => {
    sent.push({ key, confirm: () => done() });
    return true;
  };
  const model = Object.assign(new EventEmitter(), { createConfirmChannel: async () => channel }) as any;
  return { model, sent };
};
const attached = async () => {
  const { model, sent } = channelOf();
  const sender = createSender(() => {});
  await sender.attach(model, () => {});
  return { sender, sent, model };
};
const message = (key: string) => ({ exchange: 'e', key, content: Buffer.from('{}'), options: {} });

const ports = { log: { error: () => {} }, metrics: { observe: () => {}, count: () => {} } } as any;
const row = (key: string) => {
  const envelope = {
    message_id: 'm',
    message_type: 't',
    timestamp: '2026-01-01T00:00:00Z',
    source_service: 's',
    data: {},
  };
  const body = { envelope, routing_key: key, priority: 0 };
  return { queue: 'outbox', id: 'm', priority: 0, available_at: 0, attempts: 1, claim: '', body };
};

test('at most a thousand messages are unconfirmed, however many wait', async () => {
  const { sender, sent } = await attached();
  for (let n = 0; n < 4_000; n++) void sender.send(message('k'));
  expect(sent).toHaveLength(1_000);
  sent[0]!.confirm();
  expect(sent).toHaveLength(1_001);
});

test('what is never confirmed gives its place free, and is told', async () => {
  const { sender, sent } = await attached();
  const lost = sender.send(message('k')).catch((error: Error) => error.message);
  for (let n = 1; n < 1_000; n++) void sender.send(message('k')).catch(() => {});
  const waiting = sender.send(message('other'));
  expect(sender.confirming()).toBe(true);
  await vi.advanceTimersByTimeAsync(CONFIRM_MS + 1_000);
  expect(await lost).toBe('no confirm within 10000 ms');
  expect(sender.confirming()).toBe(false);
  sent.at(-1)!.confirm();
  expect([sent.at(-1)!.key, await waiting]).toEqual(['other', 'confirmed']);
});

test('while the broker has an alarm no queue is taken for silent, and rows are told as failed in time', async () => {
  const { sender, sent, model } = await attached();
  const publish = rowPublisher(sender, topologyOf(probePlatform()), ports);
  const copy = sender.send(message('a.copy'));
  const under = publish([row('a.well')]);
  model.emit('blocked', 'low on memory');
  const waiting = publish([row('a.well')]);
  await vi.advanceTimersByTimeAsync(CONFIRM_MS * 6);
  for (const outcomes of [await under, await waiting]) expect(outcomes.map(({ kind }) => kind)).toEqual(['failed']);
  model.emit('unblocked');
  await vi.advanceTimersByTimeAsync(1_000);
  expect(sender.confirming()).toBe(true);
  for (const each of sent.splice(0)) each.confirm();
  expect(await copy).toBe('confirmed');
  const after = publish([row('a.well')]);
  sent[0]!.confirm();
  expect((await after).map(({ kind }) => kind)).toEqual(['published']);
});

test('events of a queue that confirms nothing delay no others, and go out when it does again', async () => {
  const { sender, sent } = await attached();
  const publish = rowPublisher(sender, topologyOf(probePlatform()), ports);
  const confirmAll = (key: string): void => {
    for (const each of sent.splice(0)) if (each.key === key) each.confirm();
  };
  const first = publish([row('a.stuck'), row('a.well')]);
  confirmAll('a.well');
  await vi.advanceTimersByTimeAsync(CONFIRM_MS + 1_000);
  expect((await first).map(({ kind }) => kind)).toEqual(['failed', 'published']);

  const second = publish([row('a.stuck'), row('a.stuck'), row('a.well')]);
  expect(sent.map(({ key }) => key)).toEqual(['a.stuck', 'a.well']);
  for (const each of sent.splice(0)) each.confirm();
  expect((await second).map(({ kind }) => kind)).toEqual(['failed', 'failed', 'published']);

  const third = publish([row('a.stuck')]);
  confirmAll('a.stuck');
  expect((await third).map(({ kind }) => kind)).toEqual(['published']);
});
