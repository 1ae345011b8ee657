/** Calls operations of services that run in other processes, as if they ran in this one: same errors, same trace. */
import { Metadata } from '@grpc/grpc-js';
import { AUDITED, internalPath, sendAudit, sendClient, toJson } from '../grpc/internal.ts';
import { BATCH_DEADLINE_MS, DEADLINE_MS } from '../grpc/limits.ts';
import { callAttributes } from '../grpc/spans.ts';
import { type ClientTls, channelCredentials } from '../grpc/tls.ts';
import type { Context } from '../kit/context.ts';
import { AppError, toAppError } from '../kit/errors.ts';
import type { Host } from '../kit/invoke.ts';
import { serviceOf } from '../kit/service-name.ts';
import { inSpan } from '../kit/span.ts';
import { traceparent } from '../kit/trace.ts';
import type { Live } from '../system/live.ts';
import { RetryBudget, repeated } from './attempts.ts';
import { isBatch, keyOf, onlyReads } from './callee.ts';
import { Channels } from './channels.ts';
import { blame, connected, send } from './client-call.ts';
import { type Address, type Discovery, fixedDiscovery } from './discovery/discovery.ts';
import { type Policy, roundRobin } from './discovery/policies.ts';
import { within } from './within.ts';

export interface RemoteOptions {
  /** Addresses (`host:port`) by service, or how to find them; that is left open when the caller is closed. */
  discovery: Readonly<Record<string, readonly Address[]>> | Discovery;
  /** Makes what chooses among the instances of one service; each in turn when left out. */
  policy?: () => Policy;
  /** A service token that holds `internal:call` and what the callees ask for. */
  token: string;
  /** Unix ms, for how long an instance that fails is passed over; the machine's when left out. */
  now?: () => number;
  /** Told when an instance failed so often that it is passed over. */
  ejected?: (service: string, address: Address) => void;
  /** For each try, ms; 5 s when left out, and 10 s for a batch. A context's own deadline is for all of them. */
  deadline?: number;
  /** Plain text when left out. */
  tls?: Live<ClientTls>;
  /** Where this process stands, as registries call it: instances in the same zone are preferred. */
  zone?: string;
}

export interface Remote {
  call: Host['call'];
  close(): void;
}

const CONNECT_MS = 2_000;

/**
 * A caller for a Host whose callees run elsewhere.
 *
 * A call is tried up to three times, after growing moments and at the next address, only when it was never sent or the
 * operation only reads, and only while most calls of the service succeed. Errors are AppErrors with the callee's code, detail and field errors; a service that can't be
 * reached is `unavailable`.
 *
 * @example
 * const remote = remoteCaller({ discovery: { 'user-service': ['10.0.0.7:50051'] }, token });
 * const account = await remote.call(findAccount, { identifier }, context);
 */
export const remoteCaller = ({
  discovery,
  token,
  policy = roundRobin,
  now = Date.now,
  ejected,
  deadline,
  tls,
  zone,
}: RemoteOptions): Remote => {
  const found = typeof discovery.instances === 'function' ? (discovery as Discovery) : undefined;
  const places = found ?? fixedDiscovery(discovery as Readonly<Record<string, readonly Address[]>>);
  const credentials = channelCredentials(tls);
  const channels = new Channels({ discovery: places, credentials, name: tls?.now.name, policy, now, ejected, zone });

  const budgets = new Map<string, RetryBudget>();
  const budgetOf = (service: string): RetryBudget => {
    const budget = budgets.get(service) ?? new RetryBudget();
    budgets.set(service, budget);
    return budget;
  };

  const headers = (context: Context): Metadata => {
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${token}`);
    metadata.set('x-request-id', context.request_id);
    metadata.set('traceparent', traceparent(context.trace));
    sendClient(metadata, context.client);
    sendAudit(metadata, context.audit);
    return metadata;
  };

  const call: Host['call'] = async (callee, input, context) => {
    // the transport's deadline is the machine's time, whatever clock operations see
    const last = context.deadline ?? Number.POSITIVE_INFINITY;
    const patience = deadline ?? (isBatch(callee) ? BATCH_DEADLINE_MS : DEADLINE_MS);
    const service = serviceOf(callee);
    const path = internalPath(callee);
    const body = toJson(input);
    const key = keyOf(input, context);
    const tried = new Set<Address>();
    let repeatable = false;
    const attempt = async (): Promise<unknown> => {
      repeatable = false;
      if (Date.now() >= last) throw new AppError('deadline_exceeded');
      const until = Math.min(Date.now() + patience, last);
      return channels.use(service, { key, tried, faulty: blame() }, async (client) => {
        repeatable = true;
        if (!(await connected(client, Math.min(until, Date.now() + CONNECT_MS)))) {
          const target = client.getChannel().getTarget();
          throw new AppError('unavailable', { cause: new Error(`no connection to ${service} at ${target}`) });
        }
        repeatable = onlyReads(callee);
        return send(client, path, body, headers(context), until, (answered) => {
          if (context.audit && answered.get(AUDITED).length > 0) context.audit.written = true;
        });
      });
    };
    const again = (thrown: unknown): boolean => {
      const { code } = toAppError(thrown);
      return repeatable && (code === 'unavailable' || (code === 'deadline_exceeded' && Date.now() < last));
    };
    // whatever the peer or a registry does
    return within(repeated(attempt, { budget: budgetOf(service), until: last, again }), last);
  };

  return {
    call: (callee, input, context) => {
      const method = internalPath(callee).slice(1);
      const attributes = () => callAttributes(method);
      return inSpan(context.trace, method, 'client', attributes, (trace) =>
        call(callee, input, trace === context.trace ? context : { ...context, trace }),
      );
    },
    close: () => channels.close(),
  };
};
