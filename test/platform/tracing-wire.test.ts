import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { continueTrace } from '../../shared/kit/trace.ts';
import { ProtobufSpans } from '../../shared/tracing/otlp-protobuf.ts';
import { type Origin, RecordedSpan } from '../../shared/tracing/otlp-span.ts';

const ended: RecordedSpan[] = [];
const origin: Origin = {
  resource: resourceFromAttributes({ 'service.name': 'auth-service', 'process.pid': 4711, 'host.tested': true }),
  instrumentationScope: { name: 'perfect21' },
  ended: (span) => {
    ended.push(span);
    writer.put(span);
  },
};
const writer = new ProtobufSpans(origin);
const PARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

const word = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('POST', 'x'.repeat(400)));
const value = fc.oneof(word, fc.boolean(), fc.integer(), fc.maxSafeInteger(), fc.double({ noNaN: true }));
// an object has names that are numbers before all others, whatever was told first; a key of a span is never one
const key = fc.string({ unit: 'grapheme' }).filter((text) => !/^\d+$/.test(text));
const attributes = fc.dictionary(key, value, { maxKeys: 12 });
/** As routes and operations have it. */
const SAME = Object.freeze({ 'http.route': '/users/{user_id}', long: 'y'.repeat(300), n: 7 });
const spans = fc.array(
  fc.record({
    name: word,
    kind: fc.integer({ min: 0, max: 4 }),
    below: fc.boolean(),
    start: fc.option(fc.oneof(attributes, attributes.map(Object.freeze), fc.constant(SAME)), { nil: undefined }),
    attributes,
    more: attributes,
    error: fc.option(fc.string()),
    failed: fc.boolean(),
  }),
  { minLength: 1, maxLength: 40 },
);

test('spans are written byte for byte as OpenTelemetry’s own serializer writes them, which takes longer', () => {
  fc.assert(
    fc.property(spans, (many) => {
      ended.length = 0;
      for (const { name, kind, below, start, attributes, more, error, failed } of many) {
        const span = new RecordedSpan(origin, continueTrace(below ? PARENT : undefined), name, kind, below, start);
        span.set(attributes);
        span.set(more);
        span.end(error ?? undefined, failed);
      }
      expect(writer.count).toBe(many.length);
      expect(writer.take()).toEqual(Buffer.from(ProtobufTraceSerializer.serializeRequest(ended)!));
      expect(writer.count).toBe(0);
    }),
  );
});

test('a span says the last that it was told, ends once, and not before it began', () => {
  ended.length = 0;
  const span = new RecordedSpan(origin, continueTrace(PARENT), 'GET /', 1, true, Object.freeze({ zero: 0, three: 3 }));
  span.set({ one: 1, two: 'x'.repeat(300) });
  span.set({ one: 2, three: 4 });
  span.end('unavailable');
  span.end();
  span.set({ one: 3 });
  expect(ended).toEqual([span]);
  expect(span.attributes).toEqual({ zero: 0, three: 4, one: 2, two: 'x'.repeat(256), 'error.type': 'unavailable' });
  expect(span.status).toEqual({ code: 2 });
  expect(span.over).toBeGreaterThanOrEqual(span.started);
  expect(Math.abs(span.started / 1_000 - Date.now())).toBeLessThan(10_000);
});

test('no spans are no request', () => {});
