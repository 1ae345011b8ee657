/** The WebSocket door: operations that declare a `socket`, behind a ticket in the address, on the port of HTTP. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Server, WebSocketServer } from 'ws';
import { idsOfCall } from '../../kit/call-log.ts';
import type { Caller, Context } from '../../kit/context.ts';
import { AppError, ERRORS, toAppError } from '../../kit/errors.ts';
import { type Host, invoke } from '../../kit/invoke.ts';
import type { Operation } from '../../kit/operation.ts';
import type { Service } from '../../kit/service.ts';
import { endFailed } from '../../kit/span.ts';
import { isTold, type ToldRows } from '../../kit/told-rows.ts';
import { continueTrace } from '../../kit/trace.ts';
import { inSlices } from '../../system/slices.ts';
import { readQuery } from '../binding/body.ts';
import { originRule } from '../binding/origins.ts';
import { CLOSE, closeOf } from './codes.ts';
import { type Coming, comingOf, pathOf } from './coming.ts';
import { Connection, type ConnectionRules, Linked } from './connection.ts';
import { Entrance } from './entrance.ts';
import { SOCKET_LIMITS, type SocketLimits } from './limits.ts';

export interface SocketOptions {
  limits?: Partial<SocketLimits>;
  /** Where the platform stands, whose own pages may connect, and other pages' origins. */
  public_url: string;
  origins?: readonly string[];
  ipOf(peer: string | undefined, forwardedFor?: string): string | undefined;
}

interface Entered {
  rows: ToldRows<unknown>;
  context: Context;
}

export interface Sockets {
  /** True for an upgrade that is meant for it. */
  takes(request: IncomingMessage): boolean;
  /** @param refuse answers a handshake that is none, in place of a connection */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, refuse: (error: AppError) => void): void;
  /** True for a plain request to an address that takes upgrades alone. */
  misses(request: IncomingMessage): boolean;
  /** Sends everybody away with 1012, each to come back at a time of its own. */
  stop(): Promise<void>;
}

/** Fragments of a message, and pieces of them that are held: a message is short, so that it has few. */
const MOST_PIECES = 64;

/** The door of these services; undefined where none of their operations has a socket. */
export const openSockets = (host: Host, services: readonly Service[], options: SocketOptions): Sockets | undefined => {
  const routes = new Map(
    services.flatMap(({ operations }) =>
      operations.flatMap((op) => (op.socket ? [[op.socket.path, op] as const] : [])),
    ),
  );
  return routes.size > 0 ? new SocketDoor(host, routes, options) : undefined;
};

class SocketDoor implements Sockets {
  readonly #host: Host;
  readonly #routes: ReadonlyMap<string, Operation<any, any>>;
  readonly #limits: SocketLimits;
  readonly #options: SocketOptions;
  readonly #fromHere: (origin: string | undefined) => boolean;
  readonly #rules: ConnectionRules;
  readonly #server: Server<typeof Linked>;
  readonly #open = new Set<Connection>();
  readonly #ofAddress = new Map<string, number>();
  readonly #beats: NodeJS.Timeout;
  readonly #entrance: Entrance;
  readonly #refusals = new WeakMap<IncomingMessage, (error: AppError) => void>();
  #stopping = false;

  constructor(host: Host, routes: ReadonlyMap<string, Operation<any, any>>, options: SocketOptions) {
    this.#host = host;
    this.#routes = routes;
    this.#options = options;
    this.#limits = { ...SOCKET_LIMITS, ...options.limits };
    this.#entrance = new Entrance(this.#limits.entering);
    this.#fromHere = originRule(options.public_url, options.origins ?? []);
    this.#server = new WebSocketServer({
      noServer: true,
      WebSocket: Linked,
      clientTracking: false,
      // one window of zlib for each connection is more than all the frames
      perMessageDeflate: false,
      maxPayload: this.#limits.message,
      ...{ maxFragments: MOST_PIECES, maxBufferedChunks: 1_024 },
    });
    this.#server.on('wsClientError', ({ message }, _, request) =>
      this.#refusals.get(request)!(new AppError('invalid_request', { detail: message })),
    );
    const { clock, realtime } = host.ports;
    this.#rules = { limits: this.#limits, now: clock.now, over: (connection, code) => this.#left(connection, code) };
    const { heartbeat_ms } = realtime;
    this.#beats = setInterval(
      () => void inSlices(this.#open, (connection) => connection.beat(heartbeat_ms)),
      heartbeat_ms,
    ).unref();
  }

  takes({ method, url, headers }: IncomingMessage): boolean {
    return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket' && this.#routes.has(pathOf(url));
  }

  misses({ method, url, httpVersionMajor }: IncomingMessage): boolean {
    return (method === 'GET' || method === 'HEAD') && httpVersionMajor === 1 && this.#routes.has(pathOf(url));
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, refuse: (error: AppError) => void): void {
    this.#refusals.set(request, refuse);
    this.#server.handleUpgrade(request, socket, head, (opened) => {
      const { clock, ids, tracer } = this.#host.ports;
      const coming = comingOf(request, this.#routes, this.#options.ipOf, ids.uuid, tracer);
      const connection = this.#taken(opened, coming.network);
      const last = clock.now() + this.#limits.waiting_ms;
      this.#entrance.take(() => this.#serve(connection, coming, last));
    });
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#beats);
    const { return_ms } = this.#limits;
    for (const connection of this.#open) {
      connection.close(CLOSE.restart, `Come back in ${Math.floor(Math.random() * return_ms)} ms`);
    }
  }

  /** Takes a connection that counts for its address. */
  #taken(opened: Linked, network: string): Connection {
    this.#ofAddress.set(network, (this.#ofAddress.get(network) ?? 0) + 1);
    const connection = new Connection(opened, network, this.#rules);
    this.#open.add(connection);
    return connection;
  }

  #left(connection: Connection, code: number): void {
    this.#open.delete(connection);
    const { network } = connection;
    const left = this.#ofAddress.get(network)! - 1;
    if (left > 0) this.#ofAddress.set(network, left);
    else this.#ofAddress.delete(network);
    this.#host.ports.metrics.count('perfect21_websockets_closed_total', { code: String(code) });
  }

  /** @param last unix ms: by then it has to be his turn */
  async #serve(connection: Connection, coming: Coming, last: number): Promise<void> {
    const { op, context, span } = coming;
    // who did not wait has his ticket still
    if (connection.isClosed) return span?.end('closed', false);
    try {
      if (this.#rules.now() > last) throw new AppError('too_many_requests', { detail: 'Too many come at once' });
      const entered = await this.#letIn(coming);
      span?.end();
      this.#carry(connection, op, entered);
    } catch (thrown) {
      if (span) endFailed(span, thrown);
      this.#refuse(connection, op, toAppError(thrown), context);
    }
  }

  /** By itself, so that of how somebody came nothing stays for as long as he does. */
  #carry(connection: Connection, op: Operation<any, any>, { rows, context }: Entered): void {
    const acks = op.socket!.acks && ((id: string) => void this.#acknowledged(op, id, context));
    connection.carry(rows, (thrown) => this.#refuse(connection, op, toAppError(thrown), context), acks);
  }

  /** Lets somebody in, or throws why not. */
  async #letIn({ op, query, origin, network, context }: Coming): Promise<Entered> {
    if (this.#stopping) throw new AppError('unavailable', { detail: 'The process stops' });
    const most = this.#limits.of_address * (this.#host.ports.settings?.rate_limits ?? 1);
    if (this.#ofAddress.get(network)! > most) {
      throw new AppError('too_many_requests', { detail: 'Too many connections of one address' });
    }
    if (!this.#fromHere(origin)) throw new AppError('invalid_token', { detail: 'Pages of another origin' });
    const { ticket = '', ...input } = readQuery(query);
    const caller = await this.#admit(op, ticket, context);
    const known = { ...context, caller };
    const rows = (await invoke(this.#host, op, input, known)) as AsyncIterable<unknown>;
    if (!isTold(rows)) throw new Error(`${op.name} has a socket, and rows that nobody tells`);
    return { rows, context: known };
  }

  /** Tells of a row that was acknowledged. Nobody waits for it: what fails is sent another way, too. */
  async #acknowledged({ name, socket }: Operation<any, any>, id: string, known: Context): Promise<void> {
    const { caller, client, door } = known;
    const own = { request_id: this.#host.ports.ids.uuid(), trace: continueTrace(), caller, client, door };
    try {
      await invoke(this.#host, socket!.acks!, { id }, own);
    } catch (thrown) {
      const error = toAppError(thrown);
      if (ERRORS[error.code].http < 500) return;
      this.#host.ports.log.warn('realtime.ack_failed', { operation: name, ...idsOfCall(own), cause: error });
    }
  }

  /** Who comes with a ticket. @throws AppError `invalid_token` for one that lets nobody in */
  async #admit(op: Operation<any, any>, ticket: string, context: Context): Promise<Caller> {
    try {
      // a ticket is good once: what comes after it must not be refused then
      await this.#host.first?.();
      const holder = await this.#host.call(op.socket!.admits, { ticket }, context);
      return { kind: 'user', ...(holder as object) } as Caller;
    } catch (thrown) {
      const { code } = toAppError(thrown);
      // two that come with one ticket at once
      throw code === 'conflict' || code === 'invalid_request' ? new AppError('invalid_token') : thrown;
    }
  }

  #refuse(connection: Connection, op: Operation<any, any>, error: AppError, { request_id, trace }: Context): void {
    if (error.code === 'invalid_token') connection.close(CLOSE.ticket, 'The ticket is unknown, used or over');
    else {
      const { code, reason } = closeOf(error);
      connection.close(code, reason);
    }
    if (ERRORS[error.code].http < 500) return;
    const told = { operation: op.name, code: error.code, request_id, trace_id: trace.trace_id };
    this.#host.ports.log.error('operation.failed', { ...told, cause: error.cause ?? error });
  }
}
