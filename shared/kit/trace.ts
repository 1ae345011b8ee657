/** W3C Trace Context (https://www.w3.org/TR/trace-context/): the part of a trace that travels. */
import { randomBytes } from 'node:crypto';
import type { Trace } from '../ports/tracer.ts';

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

// one call to the random source and one conversion serve many ids: each costs more than what it gives one of them
const POOL = 4096;
const digits = (): string => randomBytes(POOL).toString('hex');
let pool = digits();
let used = 0;
const hex = (bytes: number): string => {
  if (used + 2 * bytes > pool.length) {
    pool = digits();
    used = 0;
  }
  const from = used;
  used += 2 * bytes;
  return pool.slice(from, used);
};

/** What a `traceparent` header says of the caller's span; undefined when it is absent or malformed. */
export const readTraceparent = (
  traceparent: string | undefined,
): Pick<Trace, 'trace_id' | 'span_id' | 'sampled'> | undefined => {
  const match = traceparent ? TRACEPARENT.exec(traceparent) : null;
  const version = match?.[1];
  const usable =
    match && version !== 'ff' && !(version === '00' && match[5]) && !/^0+$/.test(match[2]!) && !/^0+$/.test(match[3]!);
  if (!usable) return undefined;
  return { trace_id: match[2]!, span_id: match[3]!, sampled: (Number.parseInt(match[4]!, 16) & 1) === 1 };
};

/** Continues a trace, or that of a `traceparent` header, with a new span; starts one when it is absent or malformed. */
export const continueTrace = (parent?: string | Trace): Trace => {
  const caller = typeof parent === 'object' ? parent : readTraceparent(parent);
  return caller
    ? { trace_id: caller.trace_id, span_id: hex(8), parent_id: caller.span_id, sampled: caller.sampled }
    : { trace_id: hex(16), span_id: hex(8), sampled: true };
};

/** The `traceparent` header that hands this span on. */
export const traceparent = (trace: Trace): string =>
  `00-${trace.trace_id}-${trace.span_id}-${trace.sampled ? '01' : '00'}`;
