/**
 * Spans as an `ExportTraceServiceRequest`, byte for byte as OpenTelemetry's own serializer writes it, which takes several
 * times as long. Each is written when it ends: what waited for its batch as objects, the collections of the young ones
 * copied again and again.
 *
 * Source: https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
 */
import type { SpanWriter } from './otlp-batches.ts';
import { attributeField, field, headed, keyValue, nameField, putAttributes, text, type Value } from './otlp-fields.ts';
import type { RecordedSpan, Source } from './otlp-span.ts';

/** By the code of a digit in lower case. */
const DIGITS = Uint8Array.from({ length: 103 }, (_, code) => (code < 58 ? code - 48 : code - 87));
/** Writes an id where it is to stand, and gives where it ends. */
const putId = (bytes: Buffer, start: number, number: number, hex: string): number => {
  let at = start;
  bytes[at++] = (number << 3) | 2;
  bytes[at++] = hex.length / 2;
  for (let digit = 0; digit < hex.length; digit += 2)
    bytes[at++] = (DIGITS[hex.charCodeAt(digit)]! << 4) | DIGITS[hex.charCodeAt(digit + 1)]!;
  return at;
};

const WORD = 2 ** 32;
/** A number below 2 ** 32 in four bytes, the lowest first. */
const putWord = (bytes: Buffer, at: number, word: number): void => {
  bytes[at] = word;
  bytes[at + 1] = word >>> 8;
  bytes[at + 2] = word >>> 16;
  bytes[at + 3] = word >>> 24;
};
/** Microseconds as the 64 bits of their nanoseconds, which no number holds. */
const putTime = (bytes: Buffer, at: number, number: number, us: number): number => {
  bytes[at] = (number << 3) | 1;
  const low = (us % WORD) * 1_000;
  const carried = Math.floor(low / WORD);
  putWord(bytes, at + 1, low - carried * WORD);
  putWord(bytes, at + 5, Math.floor(us / WORD) * 1_000 + carried);
  return at + 9;
};

/** What each span has after its attributes: nothing dropped, no events, no links. */
const NOTHING = [10 << 3, 0, 12 << 3, 0, 14 << 3, 0];
/** Lengths of what a span always has, and of what says which one is above it. */
const [FIXED, ABOVE] = [64, 10];
/** Of a field that is long: its number and a length. */
const HEAD = 6;
/** Sampled, and it is said whether the one above is of another process. */
const [HERE, REMOTE] = [0x101, 0x301];

/** Bytes of a batch, until one is larger. */
const ROOM = 131_072;
/** So many are written one after the other: what is done for one request of ten is not at hand when it is done. */
const TOGETHER = 32;

/** Takes spans of one process. */
export class ProtobufSpans implements SpanWriter {
  count = 0;
  readonly #resource: Uint8Array;
  readonly #scope: Uint8Array;
  /** Where spans begin: there is room for the rest of the request before them. */
  readonly #before: number;
  #bytes: Buffer;
  #at: number;
  readonly #parts: Uint8Array[] = [];
  readonly #ended: RecordedSpan[] = [];

  constructor({ resource, instrumentationScope }: Source) {
    const told = Object.entries(resource.attributes).map(([key, value]) => keyValue(1, key, value as Value));
    const dropped = Buffer.from([2 << 3, 0]);
    this.#resource = field(1, ...told, dropped);
    this.#scope = field(1, text(1, instrumentationScope.name));
    this.#before = this.#resource.length + this.#scope.length + 2 * HEAD;
    this.#bytes = Buffer.allocUnsafeSlow(ROOM);
    this.#at = this.#before;
  }

  put(span: RecordedSpan): void {
    this.count += 1;
    this.#ended.push(span);
    if (this.#ended.length >= TOGETHER) this.#writeAll();
  }

  #writeAll(): void {
    for (const span of this.#ended.splice(0)) this.#write(span);
  }

  #write({ trace, name, kind, started, over, failed, remote, given, told }: RecordedSpan): void {
    const parts = this.#parts;
    parts.length = 0;
    const named = nameField(name);
    let length = FIXED + named.length + (trace.parent_id === undefined ? 0 : ABOVE);
    if (given) length += putAttributes(given, parts);
    for (let key = 0; key < told.length; key += 2) {
      const part = attributeField(told[key] as string, told[key + 1]!);
      parts.push(part);
      length += part.length;
    }
    const bytes = this.#room(length + HEAD);
    let at = this.#at;
    bytes[at++] = (2 << 3) | 2;
    let rest = length;
    for (; rest > 127; rest >>>= 7) bytes[at++] = (rest & 127) | 128;
    bytes[at++] = rest;

    at = putId(bytes, at, 1, trace.trace_id);
    at = putId(bytes, at, 2, trace.span_id);
    if (trace.parent_id !== undefined) at = putId(bytes, at, 4, trace.parent_id);
    bytes.set(named, at);
    at += named.length;
    bytes[at++] = 6 << 3;
    bytes[at++] = kind + 1;
    at = putTime(bytes, at, 7, started);
    at = putTime(bytes, at, 8, over);
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    for (const byte of NOTHING) bytes[at++] = byte;
    bytes[at++] = (15 << 3) | 2;
    bytes[at++] = 2;
    bytes[at++] = 3 << 3;
    bytes[at++] = failed ? 2 : 0;
    bytes[at++] = ((16 << 3) | 5) & 255;
    bytes[at++] = 1;
    putWord(bytes, at, remote ? REMOTE : HERE);
    this.#at = at + 4;
  }

  take(): Uint8Array {
    this.#writeAll();
    // the spans stand where they are, and what goes before them before them
    const bytes = this.#bytes;
    const spans = this.#at - this.#before;
    const all = headed(1, spans, this.#resource, headed(2, spans, this.#scope));
    const start = this.#before - all.length;
    bytes.set(all, start);
    const taken = bytes.subarray(start, this.#at);
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(ROOM, this.#at));
    this.#at = this.#before;
    this.count = 0;
    return taken;
  }

  #room(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(2 * (this.#at + length));
      larger.set(this.#bytes.subarray(0, this.#at));
      this.#bytes = larger;
    }
    return this.#bytes;
  }
}
