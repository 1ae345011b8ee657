/**
 * Spans as an `ExportTraceServiceRequest`, byte for byte as OpenTelemetry's own serializer writes it, which takes several
 * times as long: it reads every letter twice, while names, keys and most values here are the same few over and over and are
 * written once.
 *
 * Source: https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
 */
import type { RecordedSpan } from './otlp-span.ts';

type Value = string | number | boolean;

/** Values of one key, and names, that are kept: others, such as ids of messages, are written each time. */
const KEPT = 256;

const varint = (value: number): number[] => {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
};

/** A field that says its length; of a number below 16. */
const field = (number: number, ...parts: Uint8Array[]): Uint8Array => {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(length)]), ...parts]);
};
const text = (number: number, value: string): Uint8Array => field(number, Buffer.from(value));

const INT64 = 2 ** 63;

const anyValue = (value: Value): Uint8Array => {
  if (typeof value === 'string') return text(1, value);
  if (typeof value === 'boolean') return Buffer.from([2 << 3, Number(value)]);
  if (Number.isInteger(value) && value >= -INT64 && value < INT64) return Buffer.from([3 << 3, ...varint(value)]);
  const double = Buffer.alloc(9, (4 << 3) | 1);
  double.writeDoubleLE(value, 1);
  return double;
};
const keyValue = (number: number, key: string, value: Value): Uint8Array =>
  field(number, text(1, key), field(2, anyValue(value)));

/** Of a span: name and attributes. */
const [NAME, ATTRIBUTE] = [5, 9];
const names = new Map<string, Uint8Array>();
const attributes = new Map<string, Map<Value, Uint8Array>>();

const nameField = (name: string): Uint8Array => {
  const known = names.get(name);
  if (known) return known;
  const made = text(NAME, name);
  if (names.size < KEPT) names.set(name, made);
  return made;
};

const attributeField = (key: string, value: Value): Uint8Array => {
  let values = attributes.get(key);
  const known = values?.get(value);
  if (known) return known;
  if (!values) {
    values = new Map();
    attributes.set(key, values);
  }
  const made = keyValue(ATTRIBUTE, key, value);
  if (values.size < KEPT) values.set(value, made);
  return made;
};

let bytes = Buffer.alloc(65_536);
let at = 0;
const room = (length: number): void => {
  if (at + length <= bytes.length) return;
  const larger = Buffer.alloc(2 * (at + length));
  larger.set(bytes.subarray(0, at));
  bytes = larger;
};

/** By the code of a digit in lower case. */
const DIGITS = Uint8Array.from({ length: 103 }, (_, code) => (code < 58 ? code - 48 : code - 87));
const putId = (number: number, hex: string): void => {
  bytes[at] = (number << 3) | 2;
  bytes[at + 1] = hex.length / 2;
  at += 2;
  for (let digit = 0; digit < hex.length; digit += 2)
    bytes[at++] = (DIGITS[hex.charCodeAt(digit)]! << 4) | DIGITS[hex.charCodeAt(digit + 1)]!;
};
const putTime = (number: number, us: number): void => {
  bytes[at] = (number << 3) | 1;
  bytes.writeBigUInt64LE(BigInt(us) * 1_000n, at + 1);
  at += 9;
};

/** What each span has after its attributes: nothing dropped, no events, no links. */
const NOTHING = [10 << 3, 0, 12 << 3, 0, 14 << 3, 0];
/** Lengths of what a span always has, and of what says which one is above it. */
const [FIXED, ABOVE] = [64, 10];
/** Sampled, and it is said whether the one above is of another process. */
const [HERE, REMOTE] = [0x101, 0x301];

const parts: Uint8Array[] = [];
const putSpan = ({ trace, name, kind, started, over, failed, remote, told }: RecordedSpan): void => {
  parts.length = 0;
  let length = FIXED;
  if (trace.parent_id !== undefined) length += ABOVE;
  const named = nameField(name);
  length += named.length;
  for (let key = 0; key < told.length; key += 2) {
    const part = attributeField(told[key] as string, told[key + 1]!);
    parts.push(part);
    length += part.length;
  }
  room(length + 6);
  bytes[at++] = (2 << 3) | 2;
  let rest = length;
  for (; rest > 127; rest >>>= 7) bytes[at++] = (rest & 127) | 128;
  bytes[at++] = rest;

  putId(1, trace.trace_id);
  putId(2, trace.span_id);
  if (trace.parent_id !== undefined) putId(4, trace.parent_id);
  bytes.set(named, at);
  at += named.length;
  bytes[at++] = 6 << 3;
  bytes[at++] = kind + 1;
  putTime(7, started);
  putTime(8, over);
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
  bytes.writeUInt32LE(remote ? REMOTE : HERE, at);
  at += 4;
};

/** Writes spans of one process; none of them are no request. */
export const toProtobuf = (spans: readonly RecordedSpan[]): Uint8Array | undefined => {
  const [first] = spans;
  if (!first) return undefined;
  at = 0;
  for (const span of spans) putSpan(span);
  const { resource, instrumentationScope } = first;
  const told = Object.entries(resource.attributes).map(([key, value]) => keyValue(1, key, value as Value));
  const dropped = Buffer.from([2 << 3, 0]);
  const scoped = field(2, field(1, text(1, instrumentationScope.name)), bytes.subarray(0, at));
  return field(1, field(1, ...told, dropped), scoped);
};
