/**
 * Parts of protobuf messages of OTLP: names, keys and most values of spans are the same few over and over, and are written once.
 *
 * Source: https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/common/v1/common.proto
 */
import type { SpanAttributes } from '../ports/tracer.ts';
import { cut } from './otlp-span.ts';

export type Value = string | number | boolean;

/** Values of one key, and names, that are kept: others, such as ids of messages, are written each time. */
const KEPT = 256;

const varint = (value: number): number[] => {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
};

/** A field that says its length; of a number below 16. */
export const field = (number: number, ...parts: Uint8Array[]): Uint8Array => {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(length)]), ...parts]);
};
export const text = (number: number, value: string): Uint8Array => field(number, Buffer.from(value));

const INT64 = 2 ** 63;

const anyValue = (value: Value): Uint8Array => {
  if (typeof value === 'string') return text(1, value);
  if (typeof value === 'boolean') return Buffer.from([2 << 3, Number(value)]);
  if (Number.isInteger(value) && value >= -INT64 && value < INT64) return Buffer.from([3 << 3, ...varint(value)]);
  const double = Buffer.alloc(9, (4 << 3) | 1);
  double.writeDoubleLE(value, 1);
  return double;
};
export const keyValue = (number: number, key: string, value: Value): Uint8Array =>
  field(number, text(1, key), field(2, anyValue(value)));

/** Of a span: name and attributes. */
const [NAME, ATTRIBUTE] = [5, 9];
const names = new Map<string, Uint8Array>();
const attributes = new Map<string, Map<Value, Uint8Array>>();

export const nameField = (name: string): Uint8Array => {
  const known = names.get(name);
  if (known) return known;
  const made = text(NAME, name);
  if (names.size < KEPT) names.set(name, made);
  return made;
};

export const attributeField = (key: string, value: Value): Uint8Array => {
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

const frozen = new WeakMap<SpanAttributes, Uint8Array>();
/** Of a frozen object, in one piece. */
export const attributeFields = (given: SpanAttributes): Uint8Array => {
  let made = frozen.get(given);
  if (!made) {
    made = Buffer.concat(Object.entries(given).map(([key, value]) => keyValue(ATTRIBUTE, key, cut(value))));
    frozen.set(given, made);
  }
  return made;
};
