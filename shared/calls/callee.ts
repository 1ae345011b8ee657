/** What is known of a call to another service before it is sent: what it is about, whether it may be repeated. */
import type { Context } from '../kit/context.ts';
import type { Operation } from '../kit/operation.ts';
import { reach } from '../kit/reach.ts';

/** What a call is about, so that a policy may bring calls about one user to one instance. */
export const keyOf = (input: unknown, { caller, trace }: Context): string => {
  const { user_id } = (input ?? {}) as { user_id?: unknown };
  if (typeof user_id === 'string') return user_id;
  return caller.kind === 'user' ? caller.user_id : trace.trace_id;
};

/** True for many in one call, which may take longer than one. */
export const isBatch = ({ rpc }: Operation<any, any>): boolean => rpc.some(({ method }) => /\/Batch\w+$/.test(method));

const reading = new WeakMap<Operation<any, any>, boolean>();
/** True when doing it twice changes nothing. */
export const onlyReads = (op: Operation<any, any>): boolean => {
  let reads = reading.get(op);
  if (reads === undefined) {
    const { writes, emits, ports } = reach(op);
    reads = writes.size === 0 && !emits && !ports.has('mailer');
    reading.set(op, reads);
  }
  return reads;
};
