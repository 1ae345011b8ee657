/** Typed clients of the three services that other programs call (proto/): what `perfect21/grpc` gives. */
import { Metadata } from '@grpc/grpc-js';
import { BATCH_DEADLINE_MS, DEADLINE_MS } from '../../grpc/limits.ts';
import { type ClientTls, channelCredentials } from '../../grpc/tls.ts';
import { AppError, toAppError } from '../../kit/errors.ts';
import { continueTrace, traceparent } from '../../kit/trace.ts';
import { fixed, type Live } from '../../system/live.ts';
import { RetryBudget, repeated, TRIES } from '../attempts.ts';
import { Channels } from '../channels.ts';
import { blame, connected, isBroken, unary } from '../client-call.ts';
import { type Address, type Discovery, fixedDiscovery } from '../discovery/discovery.ts';
import { type Policy, roundRobin } from '../discovery/policies.ts';
import { within } from '../within.ts';
import { hedged } from './hedged.ts';
import { type CallOptions, CLIENTS, type ClientOf, SAFE, type UnaryMethod } from './methods.ts';

export interface ConnectOptions {
  /** Addresses (`host:port`) by name: `auth-service`, `user-service`, `permission-service`; or how to find them, left open by `close`. */
  discovery: Readonly<Record<string, readonly Address[]>> | Discovery;
  /** A service token, or what gives the one of now. Not needed where the certificate says who calls. */
  token?: string | (() => string | undefined);
  /** Plain text when left out. Own certificate and key for mTLS. */
  tls?: ClientTls | Live<ClientTls>;
  /** Makes what chooses among the instances of a service; each in turn when left out. */
  policy?: () => Policy;
  /** Instances in this zone are preferred. */
  zone?: string;
  /** Told when an instance failed three times in a row and is passed over for 30 s. */
  ejected?: (service: string, address: Address) => void;
}

export interface Perfect21 {
  readonly auth: ClientOf<typeof CLIENTS.auth.definition>;
  readonly users: ClientOf<typeof CLIENTS.users.definition>;
  readonly permissions: ClientOf<typeof CLIENTS.permissions.definition>;
  /** Ends the connections; calls under way fail. */
  close(): void;
}

/** For a connection that is not there yet, ms, as long as the deadline leaves. */
const CONNECT_MS = 2_000;

const isLive = (tls: ClientTls | Live<ClientTls>): tls is Live<ClientTls> => 'onChange' in tls;

/** What a call is about, for policies that go by it. */
const keyOf = (request: unknown): string => {
  const { user_id } = request as { user_id?: unknown };
  return typeof user_id === 'string' ? user_id : '';
};

/**
 * Connects, when somebody first calls.
 *
 * A call ends by its deadline, whatever the service does: 5 s, 10 s for a batch, or what the options say. A call that was
 * never sent, and one that changes nothing, is tried up to three times, at another instance where there is one, while most calls
 * succeed. Three failures in a row take an instance out for 30 s, at most half of them.
 *
 * @throws AppError from each call, with the `code` of the service: https://… /docs lists them; `unavailable`, `deadline_exceeded`
 * and `cancelled` of the client itself
 * @example
 * const perfect21 = connect({ discovery: { 'auth-service': ['10.0.0.7:50051'] }, token: process.env.PERFECT21_SERVICE_TOKEN });
 * const { valid, user_id } = await perfect21.auth.validateToken({ token }, { timeout_ms: 500, hedge_ms: 50 });
 * perfect21.close();
 */
export const connect = ({ discovery, token, tls, policy = roundRobin, zone, ejected }: ConnectOptions): Perfect21 => {
  const found = typeof discovery.instances === 'function' ? (discovery as Discovery) : undefined;
  const places = found ?? fixedDiscovery(discovery as Readonly<Record<string, readonly Address[]>>);
  const material = tls && (isLive(tls) ? tls : fixed(tls));
  const channels = new Channels({
    discovery: places,
    credentials: channelCredentials(material),
    name: material?.now.name,
    policy,
    zone,
    now: Date.now,
    ejected,
  });

  const metadataOf = ({ traceparent: parent, request_id }: CallOptions): Metadata => {
    const metadata = new Metadata();
    const shown = typeof token === 'function' ? token() : token;
    if (shown) metadata.set('authorization', `Bearer ${shown}`);
    if (request_id) metadata.set('x-request-id', request_id);
    metadata.set('traceparent', traceparent(continueTrace(parent)));
    return metadata;
  };

  const callOf = <Request, Answer>(service: string, method: UnaryMethod<Request, Answer>, budget: RetryBudget) => {
    const { path, requestSerialize: serialize, responseDeserialize: deserialize } = method;
    const isSafe = SAFE.has(path.slice(1));
    const patience = path.includes('/Batch') ? BATCH_DEADLINE_MS : DEADLINE_MS;
    return async (request: Request, options: CallOptions = {}): Promise<Answer> => {
      const { timeout_ms = patience, deadline = Number.POSITIVE_INFINITY, signal, hedge_ms } = options;
      const until = Math.min(Date.now() + timeout_ms, deadline);
      const tried = new Set<Address>();
      const key = keyOf(request);
      let sent = false;
      let tries = 0;
      /** An instance that says nothing may cost half of what is left, so that another one can be asked. */
      const patienceOf = (): number => (isSafe && tries < TRIES ? Date.now() + (until - Date.now()) / 2 : until);
      const attempt = (gone: AbortSignal): Promise<Answer> =>
        channels.use(service, { key, tried, faulty: blame(gone) }, async (client) => {
          const last = patienceOf();
          if (!(await connected(client, Math.min(last, Date.now() + CONNECT_MS))))
            throw new AppError('unavailable', { cause: new Error(`no connection to ${service}`) });
          sent = true;
          const metadata = metadataOf(options);
          return unary(client, request, { path, serialize, deserialize, metadata, deadline: last, signal: gone });
        });
      const once = (): Promise<Answer> => {
        sent = false;
        tries += 1;
        return hedged(attempt, isSafe ? hedge_ms : undefined, () => budget.allows, signal);
      };
      const again = (thrown: unknown): boolean => {
        const { code } = toAppError(thrown);
        const away = code === 'unavailable' || code === 'deadline_exceeded' || isBroken(thrown);
        return (isSafe || !sent) && away;
      };
      return within(repeated(once, { budget, until, again, signal }), until, signal);
    };
  };
  const clientOf = <Definition extends object>(service: string, definition: Definition): ClientOf<Definition> => {
    const budget = new RetryBudget();
    const methods = Object.entries(definition as Record<string, UnaryMethod<unknown, unknown>>);
    const unaries = methods.filter(([, { requestStream, responseStream }]) => !requestStream && !responseStream);
    return Object.fromEntries(
      unaries.map(([name, method]) => [name, callOf(service, method, budget)]),
    ) as ClientOf<Definition>;
  };

  return {
    auth: clientOf(CLIENTS.auth.service, CLIENTS.auth.definition),
    users: clientOf(CLIENTS.users.service, CLIENTS.users.definition),
    permissions: clientOf(CLIENTS.permissions.service, CLIENTS.permissions.definition),
    close: () => channels.close(),
  };
};
