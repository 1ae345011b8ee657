/** What changed in the payload of a published event, and whether its consumers would stumble over it. Pure. */
import type { JsonSchema } from '../shared/documents/openapi/schemas.ts';

/** A version of an event as it was published. */
export interface Published {
  /** Routing key. */
  key: string;
  schema: JsonSchema;
}

/** By `<message_type>@<version>`. */
export type Baseline = Readonly<Record<string, Published>>;

type Node = JsonSchema & Record<string, unknown>;

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** The only values that a field may have; undefined: any. */
const valuesOf = ({ enum: list, const: only }: Node): unknown[] | undefined =>
  list ?? (only === undefined ? undefined : [only]);

const values = (was: Node, now: Node): string[] => {
  const after = valuesOf(now);
  if (!after) return [];
  const before = valuesOf(was);
  if (!before) return ['takes only certain values now'];
  const lost = before.filter((value) => !after.includes(value));
  return lost.length ? [`takes ${lost.map(text).join(', ')} no more`] : [];
};

const LOWER = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties'];
const UPPER = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties'];

const limits = (was: Node, now: Node): string[] => {
  const tighter = (keyword: string, is: (before: number, after: number) => boolean): boolean => {
    const [before, after] = [was[keyword], now[keyword]] as (number | undefined)[];
    return after !== undefined && (before === undefined || is(before, after));
  };
  return [
    ...LOWER.filter((keyword) => tighter(keyword, (before, after) => after > before)),
    ...UPPER.filter((keyword) => tighter(keyword, (before, after) => after < before)),
    ...['pattern', 'format'].filter((keyword) => now[keyword] !== undefined && !same(was[keyword], now[keyword])),
  ].map((keyword) => `has a narrower ${keyword}`);
};

/** Keywords of which no part is understood here: any change of them counts. */
const WHOLE = ['anyOf', 'oneOf', 'allOf', 'not', 'prefixItems', 'propertyNames', '$ref'];

const compare = (was: Node, now: Node, at: string): string[] => {
  if (same(was, now)) return [];
  const [before, after] = [was, now].map(({ type }) => [type ?? 'anything'].flat().sort());
  if (!same(before, after)) return [`${at} was ${before} and is ${after}`];
  const own = [
    ...values(was, now),
    ...limits(was, now),
    ...WHOLE.filter((keyword) => !same(was[keyword], now[keyword])).map((keyword) => `has another ${keyword}`),
  ].map((what) => `${at} ${what}`);

  const fields = { was: was.properties ?? {}, now: now.properties ?? {} };
  const needed = { was: new Set(was.required), now: new Set(now.required) };
  const ofFields = [...new Set([...Object.keys(fields.was), ...Object.keys(fields.now)])].flatMap((name) => {
    const [old, fresh] = [fields.was[name], fields.now[name]];
    const field = `${at}.${name}`;
    if (!fresh) return [`${field} was removed`];
    if (!old) return needed.now.has(name) ? [`${field} is new and required`] : [];
    const wasNeeded = needed.was.has(name);
    if (!wasNeeded && needed.now.has(name)) return [`${field} is required now`];
    if (wasNeeded && !needed.now.has(name)) return [`${field} may be missing now`];
    return compare(old as Node, fresh as Node, field);
  });

  const nested = (['items', 'additionalProperties'] as const).flatMap((keyword) => {
    const [old, fresh] = [was[keyword] ?? {}, now[keyword] ?? {}];
    if (typeof old === 'object' && typeof fresh === 'object') return compare(old as Node, fresh as Node, `${at}[]`);
    return fresh === false && old !== false ? [`${at} takes no other fields any more`] : [];
  });
  return [...own, ...ofFields, ...nested];
};

const split = (id: string): { type: string; version: number } => {
  const at = id.lastIndexOf('@');
  return { type: id.slice(0, at), version: Number(id.slice(at + 1)) };
};

/**
 * Changes that break what was published, one line each. An optional field more is none, nor is a new version.
 *
 * @example breakingChanges(baseline, current) // ['user.login@1: data.email was removed']
 */
export const breakingChanges = (baseline: Baseline, current: Baseline): string[] => {
  const latest = new Map(Object.keys(current).map((id) => [split(id).type, split(id).version]));
  return Object.entries(baseline).flatMap(([id, published]) => {
    const { type, version } = split(id);
    const now = current[id];
    if (!now) return (latest.get(type) ?? 0) > version ? [] : [`${id}: was published and is gone`];
    const moved = now.key === published.key ? [] : [`its routing key was ${published.key} and is ${now.key}`];
    const changes = compare(published.schema as Node, now.schema as Node, 'data');
    return [...moved, ...changes].map((what) => `${id}: ${what}`);
  });
};

/** The baseline with what is new and breaks nothing. What breaks stays as it was published. */
export const withAdditions = (baseline: Baseline, current: Baseline): Baseline => {
  const merged: Record<string, Published> = { ...baseline };
  for (const [id, now] of Object.entries(current)) {
    const published = baseline[id];
    if (!published || breakingChanges({ [id]: published }, { [id]: now }).length === 0) merged[id] = now;
  }
  return Object.fromEntries(Object.entries(merged).sort(([a], [b]) => (a < b ? -1 : 1)));
};
