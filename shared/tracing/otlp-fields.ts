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

const lengthOf = (parts: readonly Uint8Array[]): number => parts.reduce((sum, part) => sum + part.length, 0);
/** The beginning of a field, of which `rest` bytes are still to come. */
export const headed = (number: number, rest: number, ...parts: Uint8Array[]): Uint8Array =>
  Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(lengthOf(parts) + rest)]), ...parts]);
/** A field that says its length; of a number below 16. */
export const field = (number: number, ...parts: Uint8Array[]): Uint8Array => headed(number, 0, ...parts);
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
/** Adds those of an object, a frozen one in one piece, and gives their length. */
export const putAttributes = (given: SpanAttributes, parts: Uint8Array[]): number => {
  let made = frozen.get(given);
  if (!made) {
    const each = Object.entries(given).map(([key, value]) => attributeField(key, cut(value)));
    made = Buffer.concat(each);
    // asking costs more than looking it up
    if (Object.isFrozen(given)) frozen.set(given, made);
  }
  parts.push(made);
  return made.length;
};
