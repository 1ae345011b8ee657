/** What calls of every kind have in common: the rules of a method, and what an operation is told of who calls. */
import type { Metadata } from '@grpc/grpc-js';
import type { ClientIdentities } from '../../grpc/identities.ts';
import type { Caller, Context } from '../../kit/context.ts';
import type { AppError } from '../../kit/errors.ts';
import type { Host } from '../../kit/invoke.ts';
import type { Operation } from '../../kit/operation.ts';
import { type AnyCall, ipOf } from './access.ts';

export interface CallRules {
  /** No credential is asked for when the peer is this machine. */
  openOnLoopback: boolean;
  /** Nobody is asked for one; the operation gets what was presented, unjudged. */
  open?: boolean;
  /** Of a request, bytes. */
  limit: number;
  identities: ClientIdentities;
  /** Throws AppError when this service may not use this door at all. */
  admit?(caller: Caller): void;
  /** Whom the call is made for, when a service hands that on. */
  client?(metadata: Metadata): Context['client'];
  /** What the audit log will say of the call that this is a part of. */
  audit?(metadata: Metadata): Context['audit'];
  /** What stands beside the rows of a stream. */
  parameters?(metadata: Metadata): unknown;
}

export const first = (metadata: Metadata, name: string): string | undefined => metadata.get(name)[0]?.toString();

const deadlineOf = (call: { getDeadline(): unknown }): number | undefined => {
  const deadline = Number(call.getDeadline());
  return Number.isFinite(deadline) ? deadline : undefined;
};

export const logFailure = (
  host: Host,
  op: Operation<any, any>,
  error: AppError,
  context: Pick<Context, 'request_id' | 'trace'>,
) =>
  host.ports.log.error('operation.failed', {
    operation: op.name,
    code: error.code,
    request_id: context.request_id,
    trace_id: context.trace.trace_id,
    cause: error.cause ?? error,
  });

/** What an operation is told of a call, once it is clear who calls. */
export const contextOf = (
  call: AnyCall & { getDeadline(): unknown },
  rules: CallRules,
  known: Pick<Context, 'request_id' | 'trace' | 'caller' | 'bearer' | 'signal'>,
): Context => {
  const { request_id, trace, caller, bearer, signal } = known;
  const context: Context = {
    request_id,
    trace,
    caller,
    client: rules.client?.(call.metadata) ?? {
      ip: ipOf(call.getPeer()),
      user_agent: first(call.metadata, 'user-agent')?.slice(0, 512),
    },
    door: 'grpc',
    deadline: deadlineOf(call),
  };
  if (bearer) context.bearer = bearer;
  if (signal) context.signal = signal;
  if (rules.audit) context.audit = rules.audit(call.metadata);
  return context;
};
