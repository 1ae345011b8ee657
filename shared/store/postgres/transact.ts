/**
 * A transaction as one statement, one round trip: each write is a part of it. One write by itself, with a message or
 * without, needs nothing more. Else a function at the end refuses, and so undoes, all when a part met no record.
 */
import type { Clock } from '../../ports/clock.ts';
import { type Effects, type Write, WriteConflict } from '../../ports/store.ts';
import type { Versions } from '../record.ts';
import { EFFECT_TYPES, effectParameters, MESSAGE_TYPES, messageParameters } from './messages.ts';
import { CONFLICT, enqueueSql, MESSAGE_COLUMNS } from './messages-sql.ts';
import type { Connections } from './pool.ts';
import { type Put, proofOf } from './proof.ts';
import { parametersOf, sqlOf, VERSION_AT, valuesOf } from './writes.ts';

const MAX_SHAPES = 500;

/** What comes with the writes: nothing, one message to enqueue, or any number to settle and enqueue. */
type Extent = 'none' | 'message' | 'messages';
const TYPES: Record<Extent, readonly string[]> = { none: [], message: MESSAGE_TYPES, messages: EFFECT_TYPES };

/** In one order everywhere, so that two transactions of the same records wait for each other but never mutually. */
const byName = (one: Write, two: Write): number => {
  const [left, right] = [one, two].map(({ collection, id }) => `${collection.name}\0${id}`);
  return left! < right! ? -1 : 1;
};

const extentOf = (writes: readonly Write[], { settle = [], enqueue = [] }: Effects): Extent => {
  if (!settle.length && !enqueue.length) return 'none';
  return !settle.length && enqueue.length === 1 && writes.length <= 1 ? 'message' : 'messages';
};

const build = (writes: readonly Write[], extent: Extent): string => {
  const effects = TYPES[extent].map((type, n) => `$${n + 2}::${type}`);
  let at = effects.length + 2;
  const parts = writes.map((write) => {
    const sql = sqlOf(write, at);
    at += parametersOf(write);
    return sql;
  });
  if (extent === 'none' && parts.length === 1) return parts[0]!;
  const head = parts.length ? `WITH ${parts.map((sql, n) => `w${n} AS (${sql})`).join(',\n')}\n` : '';
  if (extent === 'message') {
    const message = `(SELECT ${effects.join(', ')}${parts.length ? ' FROM w0' : ''}) AS t (${MESSAGE_COLUMNS})`;
    const enqueued = `m AS (${enqueueSql(message, '$1::bigint')})`;
    return parts.length ? `WITH w0 AS (${parts[0]}), ${enqueued} SELECT 1 FROM w0` : `WITH ${enqueued} SELECT 1`;
  }
  const done = `ARRAY[${parts.map((_, n) => `(SELECT count(*) FROM w${n})`).join(', ')}]::bigint[]`;
  const messages = extent === 'none' ? EFFECT_TYPES.map((type) => `'{}'::${type}`) : effects;
  return `${head}SELECT perfect21_finish(${done}, $1::bigint, ${messages.join(', ')})`;
};

const parametersFor = (extent: Extent, effects: Effects): unknown[] => {
  if (extent === 'none') return [];
  return extent === 'message' ? messageParameters(effects.enqueue![0]!) : effectParameters(effects);
};

/** The position in the caller's order of the first write that the function refused; -1 for a lost claim. */
const refused = (message: string, ordered: readonly Write[], writes: readonly Write[]): number => {
  const places = message.slice(1, -1).split(',').map(Number);
  return Math.min(...places.map((place) => (place ? writes.indexOf(ordered[place - 1]!) : -1)));
};

/** Gives what does all of a transaction, or throws WriteConflict and did nothing. */
export const transactor = (connections: Connections, clock: Clock, versions: Versions) => {
  const texts = new Map<string, string>();
  const textOf = (writes: readonly Write[], extent: Extent): string => {
    const shape = `${extent} ${writes.map(({ kind, collection }) => `${kind} ${collection.name}`).join(',')}`;
    const text = texts.get(shape) ?? build(writes, extent);
    if (texts.size < MAX_SHAPES) texts.set(shape, text);
    return text;
  };
  return async (writes: readonly Write[], effects: Effects): Promise<void> => {
    const extent = extentOf(writes, effects);
    const ordered = writes.length > 1 ? [...writes].sort(byName) : writes;
    const parameters = [clock.now(), ...parametersFor(extent, effects)];
    let put: Put | undefined;
    for (const write of ordered) {
      const values = valuesOf(write, versions);
      parameters.push(...values);
      if (write.kind === 'insert' || write.kind === 'update')
        put ??= { ...write, version: values[VERSION_AT] as number };
    }
    const committed = proofOf(connections, put, effects);
    const refuse = (error: { code?: string; message: string }): never => {
      throw error.code === CONFLICT ? new WriteConflict(refused(error.message, ordered, writes)) : error;
    };
    const rows = await connections.query(textOf(ordered, extent), parameters, { committed }).catch(refuse);
    if (!rows.length) throw new WriteConflict(0);
  };
};
