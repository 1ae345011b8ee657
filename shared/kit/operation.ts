/**
 * The operation kit: contract and rule in one object.
 *
 * An operation knows nothing of HTTP, gRPC, Lambda or a broker; doors (shared/doors) bring calls in, adapters
 * (chosen in shared/process/host.ts) stand behind the ports that it declares. What it does not declare it can't see:
 * an undeclared port, collection, event or operation is a type error in `run`.
 */
import type { PortName, Ports } from '../ports/index.ts';
import type { Collection, Counter, Effects, Page, PageRequest, Reader, Write } from '../ports/store.ts';
import { type HttpBinding, httpBindings, type RpcBinding, rpcBindings } from './binding.ts';
import type { Bounds } from './bounds.ts';
import type { Context } from './context.ts';
import type { ErrorCode } from './errors.ts';
import type { EventType, NewEvent } from './event.ts';
import { type Answer, type Contract, isStream, type Produced, type Received, type Rows, type Sent } from './stream.ts';

/**
 * Who may call. `own`: the user whose id the input carries as `user_id`, or whom alone `subjects` names. `resource:action`:
 * whoever holds that permission. Several: any of them suffices.
 */
export type Access = 'public' | 'user' | 'own' | 'service' | `${string}:${string}`;

/** An event handler: what brings it which events. */
export type Subscription = QueueSubscription | BroadcastSubscription;

interface Subscribed {
  /** Patterns of routing keys (shared/messaging/topic.ts). */
  bindings: readonly string[];
  /** The message types that this operation handles; its input is the envelope. */
  types: readonly string[];
  /** False for an event's data that it would only pass over: where the bus asks, such an event is not brought at all. */
  wants?: (data: Record<string, unknown>) => boolean;
}

/** A queue, from which one process of all takes each event: at least once, tried again, parked when it can't work. */
export interface QueueSubscription extends Subscribed {
  broadcast?: false;
  /** `<service>.<suffix>`, bound as `bindings` say. */
  queue: string;
}

/**
 * Every process that runs the operation gets each event, at most once and in no firm order: nothing is kept for one that
 * is not there, and none is tried again. So the operation says by `catchUp` how to learn what it may have missed.
 */
export interface BroadcastSubscription extends Subscribed {
  broadcast: true;
  queue?: undefined;
}

/** Where an operation whose rows are told (`tell`) is spoken to as a WebSocket (RFC 6455): each row is a text frame of JSON. */
export interface SocketBinding {
  path: `/${string}`;
  /** Takes the ticket of the address, `{ ticket }`, and answers who comes with it: the fields of a caller that is a user. */
  admits: Operation<any, any>;
  /** Hears, as the one who listens, of rows that he acknowledged, `{ id }`: each once, and none that was not sent to him. */
  acks?: Operation<any, any>;
}

/**
 * An object in S3 stands in for a stream: the answer is an address for its rows, and a function works on them piece by
 * piece, as often as it has to be called.
 */
export interface InObject {
  /** `rows`: each row of the input is answered by one, in order. Else the input that goes on behind a row of the output. */
  object: 'rows' | ((input: any, last: any) => unknown);
}

export interface OperationStore<R extends string, W extends string, E extends string, Q extends string = string>
  extends Omit<Reader<R | W>, 'query'> {
  /** See Reader.query; only of the lists that `queries` declares. */
  query<N extends R | W, T, I extends string>(
    collection: Collection<N, T>,
    index: `${N}.${I}` extends Q ? I : never,
    hash: string,
    page?: PageRequest,
  ): Promise<Page<T>>;
  /** All or nothing, events committed with the change and published after. Throws WriteConflict. */
  transact(
    writes: readonly Write<W>[],
    events?: readonly NewEvent<E>[],
    options?: Pick<Effects, 'durability'>,
  ): Promise<void>;
  /** Adds to a counter atomically. See Store.increment. */
  increment<N extends W>(
    collection: Collection<N, Counter>,
    id: string,
    options: { by?: number; expires_at: number },
  ): Promise<number>;
  /** A name for this process. See Messages.owner. */
  owner(): Promise<string>;
  /** True when the process of this name has ended. See Messages.isGone. */
  isGone(owner: string): Promise<boolean>;
}

type Calls = Readonly<Record<string, Operation<any, any>>>;
type CallsOf<C extends Calls> = {
  [K in keyof C]: C[K] extends Operation<infer I, infer O> ? (input: Sent<I>) => Promise<Answer<O>> : never;
};
/** What a message of a method carries: the whole, or a row. */
type RowOf<T> = T extends Rows<infer R> ? R : T extends AsyncIterable<infer R> ? R : T;
type NamesOf<C extends readonly Collection<string, any>[]> = C[number]['name'];

/** What `run` receives: the declared ports, the store bound to declared collections and events, the declared calls. */
export type Given<
  R extends readonly Collection<string, any>[],
  W extends readonly Collection<string, any>[],
  E extends readonly EventType<string, any>[],
  N extends readonly PortName[],
  C extends Calls,
  Q extends string = never,
> = Pick<Ports, Exclude<N[number], 'store'>> & {
  store: OperationStore<NamesOf<R>, NamesOf<W>, E[number]['type'], Q>;
} & CallsOf<C>;

export interface Operation<I extends Contract = Contract, O extends Contract = Contract> {
  /** `<service>.<verb-noun>`, e.g. `auth.login`; also the file: functions/auth/login.ts. */
  readonly name: `${string}.${string}`;
  readonly summary: string;
  readonly description?: string;
  /** Routes that answer with it; none: it is for other operations and events only. */
  readonly http: readonly HttpBinding<Sent<I>, Answer<O>>[];
  readonly rpc: readonly RpcBinding<any, any>[];
  readonly socket?: SocketBinding;
  readonly subscription?: Subscription;
  readonly access: Access | readonly Access[];
  /** The users whom an input is about, for `own`, where it has no `user_id`. */
  readonly subjects?: (input: Received<I>) => readonly string[];
  readonly input: I;
  readonly output: O;
  /** Whether its input comes, and its output goes, row by row: known before either is made (late.ts). */
  readonly takesRows: boolean;
  readonly givesRows: boolean;
  /** The errors it may answer beside those that every operation may: invalid_request, unauthenticated, forbidden, unavailable, internal. */
  readonly errors: readonly ErrorCode[];
  readonly emits: readonly EventType<string, any>[];
  readonly reads: readonly Collection<string, any>[];
  readonly writes: readonly Collection<string, any>[];
  /** The lists that it reads: `<collection>.<index>`. */
  readonly queries: readonly string[];
  readonly needs: readonly PortName[];
  /** How often a client may call it; over that every door answers `too_many_requests` with `Retry-After`. */
  readonly bounds?: Bounds;
  readonly calls: Calls;
  /**
   * The audit log tells of every call that changes something. `events`: only of changes that are told as events, for what
   * changes at each step of everyday use; `reads`: also of who only reads, unless it is about himself; a list: fields that a
   * line tells beside those of the path, none of them secret.
   */
  readonly audit?: 'events' | 'reads' | readonly string[];
  /** What stands in where a door can't stream (API Gateway): in words, or an object. */
  readonly elsewhere?: string | InObject;
  run(given: any, input: Received<I>, context: Context): Promise<Produced<O>> | Produced<O>;
  catchUp?(given: any, context: Context): Promise<void> | void;
  missed?(given: any): void;
}

/**
 * Declares an operation. One binding stands alone, several in a list.
 *
 * @throws Error for a binding that contradicts itself
 * @example
 * export const validateToken = operation({
 *   name: 'auth.validate-token',
 *   summary: 'Says whether an access token is valid now, and for whom',
 *   http: { method: 'POST', path: '/api/v1/auth/validate' },
 *   access: 'public',
 *   input: ValidateTokenRequest,
 *   output: ValidateTokenResponse,
 *   needs: ['verifier'],
 *   run: ({ verifier }, { token }) => verifier.verify(token),
 * });
 */
export const operation = <
  I extends Contract,
  O extends Contract,
  const R extends readonly Collection<string, any>[] = [],
  const W extends readonly Collection<string, any>[] = [],
  const E extends readonly EventType<string, any>[] = [],
  const N extends readonly PortName[] = [],
  const C extends Calls = Record<never, never>,
  const Q extends readonly `${string}.${string}`[] = [],
>(definition: {
  name: `${string}.${string}`;
  summary: string;
  description?: string;
  http?: HttpBinding<Sent<I>, Answer<O>> | readonly HttpBinding<Sent<I>, Answer<O>>[];
  rpc?: RpcBinding<RowOf<Sent<I>>, RowOf<Answer<O>>> | readonly RpcBinding<RowOf<Sent<I>>, RowOf<Answer<O>>>[];
  socket?: SocketBinding;
  subscription?: Subscription;
  access: Access | readonly Access[];
  subjects?: (input: Received<I>) => readonly string[];
  input: I;
  output: O;
  errors?: readonly ErrorCode[];
  emits?: E;
  reads?: R;
  writes?: W;
  queries?: Q;
  needs?: N;
  bounds?: Bounds;
  calls?: C;
  audit?: 'events' | 'reads' | readonly string[];
  elsewhere?: string | InObject;
  run: (
    given: Given<R, W, E, N, C, Q[number]>,
    input: Received<I>,
    context: Context,
  ) => Promise<Produced<O>> | Produced<O>;
  /**
   * Of a broadcast: learns what events would have told. Called at the start and after every gap; what comes meanwhile is
   * brought when it has resolved. One that rejects is called again, after growing waits.
   */
  catchUp?: (given: Given<R, W, E, N, C, Q[number]>, context: Context) => Promise<void> | void;
  /** Of a broadcast: from now on events may be missing, until `catchUp` has resolved. */
  missed?: (given: Given<R, W, E, N, C, Q[number]>) => void;
}): Operation<I, O> => {
  const rows = { takesRows: isStream(definition.input), givesRows: isStream(definition.output) };
  return {
    errors: [],
    emits: [],
    reads: [],
    writes: [],
    queries: [],
    needs: [],
    calls: {},
    ...definition,
    ...rows,
    http: httpBindings(definition.name, definition.http, streams(rows)),
    rpc: rpcBindings(definition.rpc),
  };
};

/** Whether an operation takes or gives its rows one by one. */
export const streams = ({ takesRows, givesRows }: Pick<Operation, 'takesRows' | 'givesRows'>): boolean =>
  takesRows || givesRows;

/** What stands in for the streams of an operation, in words. */
export const elsewhereOf = ({ elsewhere }: Pick<Operation<any, any>, 'elsewhere'>): string | undefined =>
  typeof elsewhere === 'object' ? 'an object in S3, by a presigned address' : elsewhere;
