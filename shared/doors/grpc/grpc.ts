/** The gRPC door: operations as methods of proto/, all operations as internal calls, health and reflection. */
import { type ChannelOptions, type handleUnaryCall, logVerbosity, Server, setLogVerbosity } from '@grpc/grpc-js';
import { cutOff, pingNoMore } from '../../grpc/closing.ts';
import type { Codec } from '../../grpc/codec.ts';
import type { ClientIdentities, ClientIdentity } from '../../grpc/identities.ts';
import {
  admitInternal,
  INTERNAL_CODEC,
  internalPath,
  receiveAudit,
  receiveClient,
  receiveParameters,
} from '../../grpc/internal.ts';
import { MAX_MESSAGE, SERVER_OPTIONS, STOP_GRACE_MS } from '../../grpc/limits.ts';
import { type Methods, protoCodec } from '../../grpc/message.ts';
import { type ServerTls, serverCredentials } from '../../grpc/tls.ts';
import type { Host } from '../../kit/invoke.ts';
import type { Operation } from '../../kit/operation.ts';
import type { Service } from '../../kit/service.ts';
import { serviceOf } from '../../kit/service-name.ts';
import type { Live } from '../../system/live.ts';
import { countConnections } from '../connections.ts';
import { beFair, countCalls, limitMetadata, onServer } from './bounds.ts';
import type { CallRules } from './call.ts';
import { guard } from './guarded.ts';
import { serveHealth } from './health.ts';
import { serveReflection } from './reflection.ts';
import { streaming } from './streaming.ts';
import { beStrict } from './strict.ts';
import { thinly } from './thin.ts';
import type { UnaryHandler } from './thin-call.ts';
import { unary } from './unary.ts';

export interface GrpcOptions {
  /** 0: any free one. */
  port: number;
  /** Address to listen on; this machine only when left out. */
  hostName?: string;
  tls?: Live<ServerTls>;
  /** Options of grpc-js in place of the contract's, for tests. */
  channel?: ChannelOptions;
  /** The methods that operations may name, for tests; those of proto/ when left out. */
  methods?: Methods;
  /**
   * Nobody is asked who he is: what is answered is about tokens that callers hold. For sidecars, which know no services;
   * operations then get the credential that was presented, and nobody calls them internally.
   */
  open?: boolean;
  /** A Unix socket to listen on as well. */
  socket?: string;
  /** Ms that calls in flight have at the stop; those of the contract when left out. */
  grace_ms?: number;
  /** Whether the engines answer; `false` or a rejection is a no. Always ready when left out. */
  ready?: () => Promise<unknown>;
}

export interface GrpcDoor {
  port: number;
  /** Lets calls in flight finish for up to 5 s, refuses new ones, then closes. */
  stop(): Promise<void>;
}

/** Asked by every request of every service, so open to what runs on the same machine. */
const OPEN_ON_LOOPBACK: ReadonlySet<string> = new Set([
  'perfect21.auth.AuthService/ValidateToken',
  'perfect21.auth.AuthService/BatchValidateTokens',
  'perfect21.sidecar.TokenService/WatchToken',
  'envoy.service.auth.v3.Authorization/Check',
]);

/** What grpc-js calls the four kinds of methods. */
const callTypeOf = ({ takesRows, givesRows }: Operation<any, any>) =>
  takesRows ? (givesRows ? 'bidi' : 'clientStream') : givesRows ? 'serverStream' : 'unary';

const bindTo = (server: Server, address: string, tls?: Live<ServerTls>): Promise<number> =>
  new Promise((resolve, reject) => {
    server.bindAsync(address, serverCredentials(tls), (error, bound) => (error ? reject(error) : resolve(bound)));
  });

const bind = async (server: Server, { port, hostName = '127.0.0.1', tls, socket }: GrpcOptions): Promise<number> => {
  const bound = await bindTo(server, `${hostName.includes(':') ? `[${hostName}]` : hostName}:${port}`, tls);
  // who may write to a file of this machine needs no TLS on the way
  if (socket) await bindTo(server, `unix:${socket}`);
  return bound;
};

const shutdown = (server: Server, grace_ms: number): Promise<void> =>
  new Promise((resolve) => {
    pingNoMore(server);
    const force = setTimeout(() => cutOff(server), grace_ms);
    server.tryShutdown(() => {
      clearTimeout(force);
      resolve();
    });
  });

/** The identities of now, in one object. */
const followIdentities = (tls: Live<ServerTls> | undefined) => {
  const identities: Record<string, ClientIdentity> = {};
  const take = ({ clients }: ServerTls): void => {
    for (const name of Object.keys(identities)) delete identities[name];
    Object.assign(identities, clients?.identities);
  };
  if (tls) take(tls.now);
  return { identities: identities as ClientIdentities, unfollow: tls?.onChange(take) };
};

/**
 * Opens the gRPC door over a host.
 *
 * An operation with `rpc` answers those methods of proto/; a method without an operation answers UNIMPLEMENTED, and
 * health and reflection do not know it. Every operation also answers `/perfect21.internal.<service>/<verb-noun>` to services that hold `internal:call`.
 *
 * @throws when the port is taken, or an operation names a method that proto/ does not have
 * @example
 * const door = await startGrpc(host, platform, { port: 50051, ready: () => host.ports.store.ping() });
 * await door.stop();
 */
export const startGrpc = async (host: Host, services: readonly Service[], options: GrpcOptions): Promise<GrpcDoor> => {
  // what goes wrong is thrown or logged by us; grpc-js would print it beside
  setLogVerbosity(logVerbosity.NONE);
  beStrict();
  const server = new Server({ ...SERVER_OPTIONS, ...options.channel });
  limitMetadata(server);
  const asked = new Map<string, string>();
  const connections = countConnections(host.ports.metrics, services);
  const short = new Map<string, UnaryHandler>();
  // before what makes calls take turns, so that these do as well
  onServer(server, (made) =>
    thinly(server, made, short, ({ session }, path) => connections.asks(session, asked.get(path)!)),
  );
  beFair(server);
  countCalls(server, connections, asked);
  const { identities, unfollow } = followIdentities(options.tls);
  const serve = (path: string, op: Operation<any, any>, codec: Codec, rules: Omit<CallRules, 'identities'>) => {
    asked.set(path, serviceOf(op));
    const bytes = (buffer: Buffer) => buffer;
    const type = callTypeOf(op);
    const handle = (type === 'unary' ? unary : streaming)(host, op, path, codec, { ...rules, identities });
    if (type === 'unary' && codec !== INTERNAL_CODEC) short.set(path, handle as UnaryHandler);
    if (!server.register(path, handle as handleUnaryCall<Buffer, Buffer>, bytes, bytes, type)) {
      throw new Error(`two operations answer ${path}`);
    }
  };

  const answered = new Set<string>();
  for (const op of services.flatMap(({ operations }) => operations)) {
    if (!options.open)
      serve(internalPath(op), op, INTERNAL_CODEC, {
        openOnLoopback: false,
        limit: MAX_MESSAGE,
        admit: admitInternal,
        client: receiveClient,
        audit: receiveAudit,
        parameters: receiveParameters,
      });
    for (const rpc of op.rpc) {
      const { method } = rpc;
      const codec = protoCodec(op, rpc, options.methods);
      if (!codec) throw new Error(`operation ${op.name} names ${method}, which proto/ does not have`);
      answered.add(method);
      serve(`/${method}`, op, codec, {
        openOnLoopback: OPEN_ON_LOOPBACK.has(method),
        open: options.open,
        limit: MAX_MESSAGE,
      });
    }
  }

  const names = new Set([...answered].map((method) => method.slice(0, method.indexOf('/'))));
  const guarded = guard(server, host.ports, identities, options.open);
  const health = serveHealth(guarded.server, [...names], options.ready ?? (async () => true));
  serveReflection(guarded.server, answered);

  const port = await bind(server, options).catch((error) => {
    health.close();
    server.forceShutdown();
    throw error;
  });
  let stopping: Promise<void> | undefined;
  return {
    port,
    stop: () => {
      if (!stopping) {
        health.drain();
        guarded.close();
        stopping = shutdown(server, options.grace_ms ?? STOP_GRACE_MS).finally(() => {
          health.close();
          unfollow?.();
        });
      }
      return stopping;
    },
  };
};
