import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eventBridgeBus } from '../../shared/messaging/eventbridge/bus.ts';
import { MAX_BYTES, requestsOf, sizeOf } from '../../shared/messaging/eventbridge/entry.ts';
import { compileBindings } from '../../shared/messaging/eventbridge/pattern.ts';
import type { Claimed } from '../../shared/ports/store.ts';
import { localOptions } from '../engines/dynamodb.ts';
import { startEventBridge } from '../engines/eventbridge.ts';

let bridge: Awaited<ReturnType<typeof startEventBridge>>;
let bus: ReturnType<typeof eventBridgeBus>;
let delivered: string[];
beforeEach(async () => {
  delivered = [];
  bridge = await startEventBridge({
    bus: 'events',
    rules: [{ pattern: compileBindings(['thing.#']), target: 'things' }],
    deliver: async (_, body) => void delivered.push(JSON.parse(body).detail.message_id),
  });
  const { region, credentials } = localOptions('');
  bus = eventBridgeBus({ name: 'events', options: { endpoint: bridge.endpoint, region, credentials, maxAttempts: 1 } });
});
afterEach(async () => {
  await bus.close();
  await bridge.close();
});

const row = (id: string, { key = 'thing.made', text = '' } = {}): Claimed => ({
  queue: 'outbox',
  id,
  priority: 0,
  available_at: 0,
  attempts: 1,
  claim: 'claim',
  body: {
    envelope: {
      message_id: id,
      message_type: 'thing.made',
      timestamp: '2026-11-22T12:00:00.000Z',
      source_service: 'tests',
      data: { text },
    },
    routing_key: key,
    priority: 0,
  },
});
const rows = (count: number) => Array.from({ length: count }, (_, n) => row(`row-${n}`));
const kinds = async (list: readonly Claimed[]) => (await bus.publish(list)).map(({ kind }) => kind);

describe('EventBridge as the bus', () => {
  test('takes fifty rows in five requests of ten, and its rules deliver those that match', async () => {
    const list = [...rows(49), row('other', { key: 'another.made' })];
    expect(await kinds(list)).toEqual(list.map(() => 'published'));
    expect(bridge.requests.map(({ length }) => length)).toEqual([10, 10, 10, 10, 10]);
    expect(delivered.sort()).toEqual(
      rows(49)
        .map(({ id }) => id)
        .sort(),
    );
  });

  test('keeps every request within 256 KB, counted in bytes of UTF-8', async () => {
    const list = Array.from({ length: 10 }, (_, n) => row(`row-${n}`, { text: 'ü'.repeat(30_000) }));
    expect(await kinds(list)).toEqual(list.map(() => 'published'));
    expect(bridge.requests.map(({ length }) => length).sort()).toEqual([2, 4, 4]);
  });

  test('counts an entry as AWS documents it', () => {
    expect(sizeOf({ Source: 'ü', DetailType: 'b', Detail: '{}', Time: new Date(0), Resources: ['arn'] })).toBe(22);
    const half = { at: 0, entry: { Detail: 'x'.repeat(MAX_BYTES / 2) } };
    expect(requestsOf([half, half, half]).map(({ length }) => length)).toEqual([2, 1]);
  });

  test('says of each row what became of it when only some entries fail', async () => {
    const codes: Record<string, string> = {
      'row-1': 'ThrottlingException',
      'row-2': 'InternalFailure',
      'row-3': 'InvalidArgument',
    };
    bridge.state.trouble = { entry: ({ Detail }) => codes[JSON.parse(Detail).message_id] };
    expect(await kinds(rows(5))).toEqual(['published', 'failed', 'failed', 'refused', 'published']);
  });

  test('refuses what is no event and what is too large, and publishes the others', async () => {
    const broken = { ...row('broken'), body: { envelope: 1 } };
    const large = row('large', { text: 'x'.repeat(MAX_BYTES) });
    const outcomes = await bus.publish([broken, row('fine'), large]);
    expect(outcomes).toEqual([
      { kind: 'refused', reason: 'not an event' },
      { kind: 'published' },
      { kind: 'refused', reason: 'too large' },
    ]);
  });

  test('gives all rows back when a call fails, for whatever passes', async () => {
    for (const [status, type] of [
      [500, 'InternalException'],
      [400, 'ThrottlingException'],
      [400, 'AccessDeniedException'],
    ] as const) {
      bridge.state.trouble = { call: { status, type } };
      expect(await kinds(rows(3))).toEqual(['failed', 'failed', 'failed']);
    }
    await bridge.close();
    expect(await kinds(rows(2))).toEqual(['failed', 'failed']);
  });

  test('finds the one entry for which a whole call is refused', async () => {
    const spoiled = row('spoiled', { text: 'spoils the call' });
    bridge.state.trouble = { spoils: ({ Detail }) => Detail.includes('spoils the call') };
    expect(await kinds([row('a'), spoiled, row('b')])).toEqual(['published', 'refused', 'published']);
    expect(delivered).toEqual(['a', 'b']);
  });
});
