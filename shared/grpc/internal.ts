/**
 * How services of one platform call each other: every operation as `/perfect21.internal.<service>/<verb-noun>`, JSON in
 * and out. What the two ends of such a call have to agree on.
 */
import type { Metadata } from '@grpc/grpc-js';
import type { AuditNote, Caller, Context, Told } from '../kit/context.ts';
import { AppError } from '../kit/errors.ts';
import type { Operation } from '../kit/operation.ts';
import { holds } from '../kit/permissions.ts';
import type { Codec } from './codec.ts';

/** What a service needs to use this door beside what the operation asks for: not every service is part of the platform. */
export const INTERNAL_PERMISSION = 'internal:call';

/** @example internalPath(findAccount) // '/perfect21.internal.users/find-account' */
export const internalPath = ({ name }: Operation<any, any>): string => {
  const dot = name.indexOf('.');
  return `/perfect21.internal.${name.slice(0, dot)}/${name.slice(dot + 1)}`;
};

export const toJson = (value: unknown): Buffer =>
  value === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(value));

export const fromJson = (bytes: Buffer): unknown => {
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new AppError('invalid_request', { detail: 'The message is not valid JSON', cause });
  }
};

export const INTERNAL_CODEC: Codec = { decode: fromJson, encode: toJson };

export const admitInternal = (caller: Caller): void => {
  if (caller.kind === 'service' && holds(caller.permissions, INTERNAL_PERMISSION)) return;
  throw new AppError('forbidden', { detail: `The service token lacks ${INTERNAL_PERMISSION}` });
};

const CLIENT = 'x-perfect21-client-bin';

/** Hands on whom the first call was made for; callees see the same client as if they ran in the caller's process. */
export const sendClient = (metadata: Metadata, client: Context['client']): void =>
  metadata.set(CLIENT, toJson({ ip: client.ip, user_agent: client.user_agent?.slice(0, 512) }));

export const receiveClient = (metadata: Metadata): Context['client'] => {
  const bytes = metadata.get(CLIENT)[0];
  const { ip, user_agent } = (Buffer.isBuffer(bytes) && (fromJson(bytes) as Context['client'])) || {};
  return { ...(typeof ip === 'string' && { ip }), ...(typeof user_agent === 'string' && { user_agent }) };
};

const PARAMETERS = 'x-perfect21-parameters-bin';

/** What stands beside the rows of a stream. */
export const sendParameters = (metadata: Metadata, parameters: unknown): void => {
  if (parameters !== undefined) metadata.set(PARAMETERS, toJson(parameters));
};

export const receiveParameters = (metadata: Metadata): unknown => {
  const bytes = metadata.get(PARAMETERS)[0];
  return Buffer.isBuffer(bytes) ? fromJson(bytes) : undefined;
};

const AUDIT = 'x-perfect21-audit-bin';
/** In an answer: what was changed has its line in the audit log. */
export const AUDITED = 'x-perfect21-audited';

/** Hands on what the audit log will say of the call, if no line says it yet: it goes with the first change, wherever that is made. */
export const sendAudit = (metadata: Metadata, note: AuditNote | undefined): void => {
  if (note && !note.written) metadata.set(AUDIT, toJson({ ...note.told(), only_events: note.only_events }));
};

const NOBODY: Told = { action: '', actor: '', actor_kind: 'anonymous', request_id: '', ip_address: '', user_agent: '' };

/** Services of the platform alone call here (`admitInternal`), and they are believed. Where nothing is said there is no line. */
export const receiveAudit = (metadata: Metadata): AuditNote => {
  const bytes = metadata.get(AUDIT)[0];
  if (!Buffer.isBuffer(bytes)) return { told: () => NOBODY, only_events: true, written: true };
  const { only_events, ...told } = fromJson(bytes) as Told & { only_events: boolean };
  return { told: () => told, only_events, written: false };
};
