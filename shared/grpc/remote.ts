/** Calls operations of services that run in other processes, as if they ran in this one: same errors, same trace. */
import { setTimeout as pause } from 'node:timers/promises';
import { type Client, Metadata } from '@grpc/grpc-js';
import type { Context } from '../context.ts';
import { AppError, toAppError } from '../errors.ts';
import type { Host } from '../invoke.ts';
import { type Operation, reach } from '../operation.ts';
import { traceparent } from '../tracing/trace.ts';
import { Channels, connected, type Resolve } from './channels.ts';
import { fromJson, internalPath, sendClient, toJson } from './internal.ts';
import { DEADLINE_MS } from './limits.ts';
import { fromStatus } from './status.ts';
import { type ClientTls, channelCredentials } from './tls.ts';

export interface RemoteOptions {
  /** Addresses (`host:port`) by service, or how to find them. */
  discovery: Readonly<Record<string, readonly string[]>> | Resolve;
  /** A service token that holds `internal:call` and what the callees ask for. */
  token: string;
  /** For one call with its retry, ms; 5 s when left out. A context's own deadline may be shorter. */
  deadline?: number;
  tls?: ClientTls;
}

export interface Remote {
  call: Host['call'];
  close(): void;
}

const CONNECT_MS = 2_000;
const BACKOFF_MS = 100;

const serviceOf = ({ name }: Operation<any, any>): string => name.slice(0, name.indexOf('.'));

const reading = new WeakMap<Operation<any, any>, boolean>();
/** True when doing it twice changes nothing. */
const onlyReads = (op: Operation<any, any>): boolean => {
  let reads = reading.get(op);
  if (reads === undefined) {
    const { writes, emits, ports } = reach(op);
    reads = writes.size === 0 && !emits && !ports.has('mailer');
    reading.set(op, reads);
  }
  return reads;
};

const send = (client: Client, path: string, body: Buffer, metadata: Metadata, deadline: number): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const bytes = (buffer: Buffer) => buffer;
    client.makeUnaryRequest(path, bytes, bytes, body, metadata, { deadline }, (error, answer) => {
      if (error) return reject(fromStatus(error));
      try {
        resolve(answer && fromJson(answer));
      } catch (cause) {
        reject(new AppError('internal', { cause }));
      }
    });
  });

/**
 * A caller for a Host whose callees run elsewhere.
 *
 * A call is tried a second time, after a moment and at the next address, only when the first was never sent or the
 * operation only reads. Errors are AppErrors with the callee's code, detail and field errors; a service that can't be
 * reached is `unavailable`.
 *
 * @example
 * const remote = remoteCaller({ discovery: { users: ['10.0.0.7:50051'] }, token });
 * const account = await remote.call(findAccount, { identifier }, context);
 */
export const remoteCaller = ({ discovery, token, deadline = DEADLINE_MS, tls }: RemoteOptions): Remote => {
  const resolve: Resolve = typeof discovery === 'function' ? discovery : (service) => discovery[service] ?? [];
  const channels = new Channels(resolve, channelCredentials(tls));

  const headers = (context: Context): Metadata => {
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${token}`);
    metadata.set('x-request-id', context.request_id);
    metadata.set('traceparent', traceparent(context.trace));
    sendClient(metadata, context.client);
    return metadata;
  };

  return {
    call: async (callee, input, context) => {
      // the transport's deadline is the machine's time, whatever clock operations see
      const until = Math.min(Date.now() + deadline, context.deadline ?? Number.POSITIVE_INFINITY);
      const service = serviceOf(callee);
      const path = internalPath(callee);
      const body = toJson(input);
      let repeatable = false;
      const attempt = async (): Promise<unknown> => {
        repeatable = false;
        const now = Date.now();
        if (now >= until) throw new AppError('deadline_exceeded');
        const client = channels.next(service);
        repeatable = true;
        if (!(await connected(client, Math.min(until, now + CONNECT_MS)))) {
          const target = client.getChannel().getTarget();
          throw new AppError('unavailable', { cause: new Error(`no connection to ${service} at ${target}`) });
        }
        repeatable = onlyReads(callee);
        return send(client, path, body, headers(context), until);
      };
      try {
        return await attempt();
      } catch (thrown) {
        if (!repeatable || toAppError(thrown).code !== 'unavailable') throw thrown;
        await pause(BACKOFF_MS * (1 + Math.random()));
        return attempt();
      }
    },
    close: () => channels.close(),
  };
};
