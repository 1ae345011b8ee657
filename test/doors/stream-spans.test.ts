import { beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { type RunningHttp, startHttp } from '../../shared/doors/http/http.ts';
import type { Span, Tracer } from '../../shared/ports/tracer.ts';
import { flow, Notes } from './flow.ts';
import { fakeHost, until } from './http/harness.ts';
import { collect, http1Streams } from './stream-doors.ts';

interface Recorded {
  name: string;
  /** Undefined while it is open. */
  ended?: { error?: string; status?: unknown };
  attributes: Record<string, unknown>;
}
const spans: Recorded[] = [];
/** Keeps what it is told. */
const tracer: Tracer = {
  system: { store: 'none', bus: 'none' },
  start: (name, _kind, _parent, attributes = {}): Span => {
    const recorded: Recorded = { name, attributes: { ...attributes } };
    spans.push(recorded);
    return {
      trace: { trace_id: '0'.repeat(32), span_id: '0'.repeat(16), sampled: true, tracer },
      set: (more) => void Object.assign(recorded.attributes, more),
      end: (error) => {
        expect(recorded.ended).toBeUndefined();
        recorded.ended = { ...(error && { error }) };
      },
    };
  },
};

const notes = new Notes();
const ops = flow(notes);
const { host } = fakeHost({ tracer });
let http: RunningHttp;
beforeAll(async () => {
  http = await startHttp(host, [ops.service], { host: '127.0.0.1', port: 0, limits: { drain_ms: 500 } });
  return () => http.stop();
});
beforeEach(() => void spans.splice(0));
const span = (name: string): Recorded => spans.find((each) => each.name === name)!;

test('the span of an answer in rows is open while rows come, and ends with the last one', async () => {
  const door = http1Streams(http.url);
  onTestFinished(() => door.close());
  const rows = door.call(ops.watch, { input: {} }).rows[Symbol.asyncIterator]();
  const first = rows.next();
  await until(() => span('flow.watch') !== undefined);
  notes.tell();
  expect((await first).done).toBe(false);
  const [server, operation] = [span('GET /watch'), span('flow.watch')];
  expect([server.ended, operation.ended]).toEqual([undefined, undefined]);
  expect(server.attributes['http.response.status_code']).toBe(200);
  await rows.return?.(undefined);
  await until(() => server.ended !== undefined && operation.ended !== undefined);
  const whole = await collect(door.call(ops.count, { input: { count: 3 } }));
  expect(whole.rows).toHaveLength(3);
  await until(() => span('GET /count').ended !== undefined);
  expect(span('GET /count').ended).toEqual({});
  expect(span('flow.count').attributes['function.success']).toBe(true);
});

test('what goes wrong after the first row is what its span says', async () => {
  const door = http1Streams(http.url);
  onTestFinished(() => door.close());
  await collect(door.call(ops.count, { input: { count: 9, fail_at: 4, wrong: true } }));
  await until(() => span('GET /count').ended !== undefined);
  expect([span('GET /count').ended, span('flow.count').ended]).toEqual([{ error: 'internal' }, { error: 'internal' }]);
  expect(span('flow.count').attributes).toMatchObject({ 'function.success': false, 'function.error': 'internal' });
});

test('an answer whose head alone was asked for, or that nobody waited for, leaves no span open', async () => {
  await (await fetch(`${http.url}/count?count=5`, { method: 'HEAD' })).arrayBuffer();
  await until(() => span('GET /count')?.ended !== undefined || span('HEAD /count')?.ended !== undefined);
  expect(spans.filter(({ ended }) => !ended)).toEqual([]);
});
