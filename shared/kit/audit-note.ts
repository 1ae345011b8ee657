/**
 * What an operation does is noted by the kit, not by the operation: who called it, from where, whom it is about. The line
 * is committed with the first change that the call makes, in the same transaction.
 */
import { createHash } from 'node:crypto';
import type { Ports } from '../ports/index.ts';
import { insert, type Write } from '../ports/store.ts';
import { PLATFORM } from './access.ts';
import { type AuditLine, type AuditOrigin, auditLines } from './audit-records.ts';
import { Buckets } from './buckets.ts';
import { idsOfCall } from './call-log.ts';
import type { AuditNote, Caller, Context, Told } from './context.ts';
import type { AppError, ErrorCode } from './errors.ts';
import type { NewEvent } from './event.ts';
import { networkPrefix } from './network.ts';
import type { Operation } from './operation.ts';

const LONGEST = 128;

/** Refusals that say something about who called. */
const TELLING: ReadonlySet<ErrorCode> = new Set([
  'forbidden',
  'invalid_credentials',
  'invalid_client',
  'invalid_grant',
  'last_administrator',
]);
/** Refusals of one caller at one operation that are noted in a minute, and of everybody in a process. */
const REFUSALS = 10;
const ALL_REFUSALS = 300;
const MINUTE_MS = 60_000;

const actorOf = (caller: Caller): Pick<AuditLine, 'actor' | 'actor_kind'> => {
  if (caller.kind === 'user') return { actor: caller.user_id, actor_kind: 'user' };
  if (caller.kind === 'service') return { actor: caller.name, actor_kind: 'service' };
  return { actor: '', actor_kind: 'anonymous' };
};

const textOf = (value: unknown): string | undefined => {
  const text = typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
  return typeof text === 'string' && text !== '' && text.length <= LONGEST ? text : undefined;
};

/** Fields that a line tells beside the subject: those of the path, which hold no secrets, and those that are declared. */
const fieldsOf = ({ http, audit }: Operation<any, any>): string[] => {
  const path = [...(http[0]?.path.matchAll(/\{(\w+)\}/g) ?? [])].map(([, name]) => name!);
  return [...path, ...(typeof audit === 'object' ? audit : [])].filter((name) => name !== 'user_id');
};

const known = new WeakMap<Operation<any, any>, readonly string[]>();

/** True for what somebody outside asks for, over any door but a queue. */
const isAsked = (op: Operation<any, any>, { caller, door, audit }: Context): boolean =>
  audit === undefined && caller !== PLATFORM && door !== 'queue' && (op.http.length > 0 || op.rpc.length > 0);

const toldOf = (op: Operation<any, any>, { caller, client, request_id }: Context, input: unknown): Told => {
  const given = (typeof input === 'object' && input !== null ? input : {}) as Record<string, unknown>;
  let fields = known.get(op);
  if (!fields) {
    fields = fieldsOf(op);
    known.set(op, fields);
  }
  const about = fields.flatMap((name) => {
    const text = textOf(given[name]);
    return text === undefined ? [] : [[name, text] as const];
  });
  const subject = textOf(given.user_id) ?? (caller.kind === 'user' ? caller.user_id : undefined);
  return {
    action: op.name,
    ...actorOf(caller),
    ...(subject !== undefined && { subject }),
    ...(about.length > 0 && { about: Object.fromEntries(about) }),
    request_id,
    ip_address: client.ip ?? '',
    user_agent: client.user_agent ?? '',
  };
};

/** Begins the note of a call; undefined within a call that has one. @param input as parsed, or as it came */
export const beginNote = (op: Operation<any, any>, context: Context, input: unknown): AuditNote | undefined =>
  isAsked(op, context)
    ? { told: () => toldOf(op, context, input), only_events: op.audit === 'events', written: false }
    : undefined;

export const originHash = ({ salt, ip_address, user_agent }: AuditOrigin): string =>
  createHash('sha256')
    .update(JSON.stringify([salt, ip_address, user_agent]))
    .digest('base64url');

/** A line as it is kept. @param reason why it was refused */
export const lineOf = (
  { ip_address, user_agent, ...told }: Told,
  { clock, ids }: Pick<Ports, 'clock' | 'ids'>,
  reason: string | undefined,
): Write<'audit_lines'> => {
  // of nobody about nobody: there is no one with whom it would go
  const nobody = told.actor_kind === 'anonymous' && told.subject === undefined;
  const from = nobody ? { ip_address: networkPrefix(ip_address), user_agent: '' } : { ip_address, user_agent };
  const origin = { salt: ids.random(16), ...from };
  const line: AuditLine = {
    at: clock.now(),
    ...told,
    outcome: reason === undefined ? 'done' : 'refused',
    ...(reason !== undefined && { reason }),
    origin,
    origin_hash: originHash(origin),
  };
  return insert(auditLines, ids.uuid(), line);
};

const subjectOf = (writes: readonly Write[]): string | undefined => {
  for (const write of writes) {
    const { collection, id } = write;
    const value = 'value' in write ? write.value : undefined;
    const found = collection.subject?.(value, id) ?? textOf(value?.user_id);
    if (found !== undefined) return found;
  }
  return undefined;
};

/** The line that goes with a change, or nothing where the call has one already. */
export const lineWith = (
  note: AuditNote | undefined,
  ports: Pick<Ports, 'clock' | 'ids'>,
  writes: readonly Write[],
  events: readonly NewEvent[],
): Write<'audit_lines'>[] => {
  if (!note || note.written) return [];
  // counters are how tries are bounded, and no change that anybody asked for
  if (events.length === 0 && (note.only_events || writes.every(({ collection }) => collection.counts))) return [];
  const about = events.find(({ user_id }) => user_id)?.user_id ?? subjectOf(writes);
  const refused = events.flatMap(({ event, data }) => event.refused?.(data as any) ?? [])[0];
  const told = note.told();
  return [lineOf(told.subject === undefined && about ? { ...told, subject: about } : told, ports, refused)];
};

const bucketsOf = new WeakMap<object, Buckets>();

/** Notes that a call was refused, where that tells something and the call has left no line. The answer does not wait for its fate. */
export const noteRefusal = async (
  ports: Ports,
  op: Operation<any, any>,
  context: Context,
  note: AuditNote | undefined,
  input: unknown,
  { code }: AppError,
): Promise<void> => {
  if (!TELLING.has(code) || note?.written || !('store' in ports)) return;
  const refused = note ?? beginNote(op, context, input);
  if (!refused) return;
  const { store, clock, log } = ports;
  const buckets = bucketsOf.get(store) ?? new Buckets();
  bucketsOf.set(store, buckets);
  const now = clock.now();
  const told = refused.told();
  const whose = told.actor || told.ip_address;
  if (buckets.take(`${op.name} ${whose}`, REFUSALS, MINUTE_MS, now) > 0) return;
  if (buckets.take('all', ALL_REFUSALS, MINUTE_MS, now) > 0) return;
  refused.written = true;
  try {
    await store.transact([lineOf(told, ports, code)]);
  } catch (cause) {
    log.warn('audit.refusal_not_noted', { operation: op.name, ...idsOfCall(context), cause });
  }
};
