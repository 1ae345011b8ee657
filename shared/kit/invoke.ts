/** Runs an operation: access, validation, ports bound to what it declared, output as declared. Every door ends here. */
import type * as z from 'zod';
import type { PortName, Ports } from '../ports/index.ts';
import type { Span } from '../ports/tracer.ts';
import { authorize, PLATFORM } from './access.ts';
import { beginNote, noteRefusal } from './audit-note.ts';
import { noteRead } from './audit-read.ts';
import type { HttpBinding } from './binding.ts';
import { bindStore } from './bound-store.ts';
import { holdBounds } from './bounds.ts';
import { CallLog } from './call-log.ts';
import type { AuditNote, Context } from './context.ts';
import { declared } from './declared.ts';
import { AppError } from './errors.ts';
import { produce, receive } from './invoke-rows.ts';
import { checkedOnce } from './lasting.ts';
import type { Access, Operation } from './operation.ts';
import { observeFirstRow, observeOperation } from './operation-metrics.ts';
import { endAnswered, endThrown, startOperationSpan } from './operation-span.ts';
import { parse } from './parse.ts';
import { sending, withSpans } from './sending-spans.ts';
import { inSpan } from './span.ts';
import { withStanding } from './standing.ts';
import { type Answer, type Contract, isStream } from './stream.ts';

/** What the kit runs on: opened ports, and a way to call an operation of another service. */
export interface Host {
  /** Ports opened for this process; an operation's are there before it is invoked. */
  readonly ports: Ports;
  /** Calls a callee: in this process, or over gRPC where its service runs apart. */
  call(callee: Operation<any, any>, input: unknown, context: Context): Promise<unknown>;
  /** Tells `{ permissions, roles }` of now of a `{ user_id }`; absent where this process can't ask. */
  readonly standing?: Operation<any, any>;
  /** Does what calls wait for, once; undefined where that is nothing, or done. Throws AppError `unavailable`. */
  first?: (() => Promise<void>) | undefined;
}

/** What a binding's own shape is read with, after it is clear who asks. */
export type Shape = Pick<HttpBinding, 'input' | 'request'>;

const shaped = ({ input, request }: Shape, fields: unknown): unknown => {
  const read = input ? parse(input, fields) : fields;
  return request ? request(read) : read;
};

/** What an operation is given at a host: the ports are the same for every call, the rest is bound to its context. */
interface Recipe {
  ports: object;
  sends: boolean;
  stored: boolean;
  logs: boolean;
  callees: readonly string[];
}

const recipes = new WeakMap<Host, Map<Operation<any, any>, Recipe>>();
const recipeOf = (host: Host, op: Operation<any, any>): Recipe => {
  const byOperation = recipes.get(host) ?? new Map<Operation<any, any>, Recipe>();
  recipes.set(host, byOperation);
  let recipe = byOperation.get(op);
  if (!recipe) {
    const names: PortName[] = op.needs.filter((name: PortName) => name !== 'store');
    const ports = Object.fromEntries(names.map((name) => [name, host.ports[name]]));
    const stored = op.reads.length + op.writes.length + op.emits.length > 0;
    recipe = { ports, sends: sending(ports), stored, logs: 'log' in ports, callees: Object.keys(op.calls) };
    byOperation.set(op, recipe);
  }
  return recipe;
};

const given = (host: Host, op: Operation<any, any>, context: Context): object => {
  const { ports: own, sends, stored, logs, callees } = recipeOf(host, op);
  const ports = sends && context.trace.tracer ? withSpans(own, context.trace) : own;
  if (!stored && !logs && !callees.length) return ports;
  const bound: Record<string, unknown> = { ...ports };
  if (logs) bound.log = new CallLog(host.ports.log, context);
  if (stored) bound.store = bindStore(host.ports, op, context);
  for (const name of callees) bound[name] = (input: unknown) => host.call(op.calls[name]!, input, context);
  return bound;
};

/**
 * Runs an operation for a caller, as a span of its trace.
 *
 * A stream is opened: its rows come while they are asked for, and errors of theirs with them. What ends the iteration
 * ends the operation's; what waits for something else watches `context.signal`.
 *
 * @param shape of a binding whose fields are not the input itself
 * @throws AppError with a code that the operation declares or that every operation may answer; anything else that is
 * thrown inside becomes `internal`.
 * @example const tokens = await invoke(host, login, { identifier, password }, context);
 */
export const invoke = <I extends Contract, O extends Contract>(
  host: Host,
  op: Operation<I, O>,
  input: unknown,
  context: Context,
  shape?: Shape,
): Promise<Answer<O>> => {
  if (host.first) return host.first().then(() => begin(host, op, input, context, shape));
  return begin(host, op, input, context, shape);
};

const begin = <I extends Contract, O extends Contract>(
  host: Host,
  op: Operation<I, O>,
  input: unknown,
  context: Context,
  shape: Shape | undefined,
): Promise<Answer<O>> => {
  const { tracer } = context.trace;
  if (!tracer) return run(host, op, input, context, shape, undefined);
  const span = startOperationSpan(tracer, context.trace, op, input);
  return run(host, op, input, { ...context, trace: span.trace }, shape, span);
};

const run = async <I extends Contract, O extends Contract>(
  host: Host,
  op: Operation<I, O>,
  input: unknown,
  called: Context,
  shape: Shape | undefined,
  span: Span | undefined,
): Promise<Answer<O>> => {
  let context = called;
  const started = performance.now();
  let note: AuditNote | undefined;
  let result = 'ok';
  try {
    // nobody learns about fields before it is clear who asks; a user's `own` needs the parsed input
    const accesses: readonly Access[] = typeof op.access === 'string' ? [op.access] : op.access;
    if (context.caller.kind === 'anonymous' && !accesses.includes('public')) throw new AppError('unauthenticated');
    if (context.caller.kind === 'user' && context.caller.outdated)
      context = await withStanding(host, accesses, context);
    const owns = accesses.includes('own') && context.caller.kind === 'user';
    if (!owns) authorize(op, context.caller, undefined, host.ports.metrics);
    if (op.bounds) await holdBounds(host.ports, op, context);
    const parsed = isStream(op.input)
      ? receive(op.input, input)
      : parse(op.input as z.ZodType, shape ? shaped(shape, input) : input);
    if (owns)
      authorize(op, context.caller, isStream(op.input) ? (parsed as any).parameters : parsed, host.ports.metrics);
    note = beginNote(op, context, parsed);
    if (op.audit === 'reads') await noteRead(host.ports, note, context.caller, parsed);
    const within = note ? { ...context, audit: note } : context;
    const output = await op.run(given(host, op, within), parsed as any, within);
    const answered = isStream(op.output)
      ? (produce(op, output as AsyncIterable<unknown>, () => observeFirstRow(host.ports.metrics, op, started)) as any)
      : project(op, output);
    return span ? endAnswered(span, answered) : answered;
  } catch (thrown) {
    const error = declared(op, thrown);
    result = error.code;
    await noteRefusal(host.ports, op, context, note, input, error);
    if (span) endThrown(span, error);
    throw error;
  } finally {
    observeOperation(host.ports.metrics, op, result, started, context.trace);
  }
};

/** Only declared fields leave; an output that breaks its own schema is our fault. */
const project = (op: Operation<any, any>, output: unknown): any =>
  checkedOnce(output, op, (given) => {
    const checked = op.output.safeParse(given);
    if (checked.success) return checked.data;
    throw new AppError('internal', { cause: new Error(`output of ${op.name}: ${checked.error.message}`) });
  });

/**
 * Lets an operation that hears broadcasts learn what it may have missed.
 *
 * @throws what it throws
 */
export const catchUp = async (host: Host, op: Operation<any, any>, context: Context): Promise<void> =>
  inSpan(context.trace, `catch up ${op.name}`, 'internal', undefined, async (trace) =>
    op.catchUp?.(given(host, op, { ...context, trace }), { ...context, trace }),
  );

/** Tells an operation that hears broadcasts that it may miss some from now on. */
export const tellMissed = (host: Host, op: Operation<any, any>, context: Context): void =>
  op.missed?.(given(host, op, context));

/** Calls an operation in the same process with the rights of the platform: the access of a callee is its caller's concern. */
export const callLocal = async (
  host: Host,
  callee: Operation<any, any>,
  input: unknown,
  context: Context,
): Promise<unknown> => invoke(host, callee, input, { ...context, caller: PLATFORM });
