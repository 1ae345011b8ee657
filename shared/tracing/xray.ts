/**
 * X-Ray's trace header and W3C's, each as the other: the ids are the same 128 and 64 bits, written differently.
 *
 * Source: https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
 */
import { readTraceparent } from '../kit/trace.ts';

const ROOT = /(?:^|;)\s*Root=1-([0-9a-f]{8})-([0-9a-f]{24})(?:;|$)/i;
const PARENT = /(?:^|;)\s*Parent=([0-9a-f]{16})(?:;|$)/i;

/**
 * The `traceparent` of an X-Ray header; undefined when it names no trace and span.
 *
 * @example fromXray('Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1')
 */
export const fromXray = (header: string | undefined): string | undefined => {
  const root = ROOT.exec(header ?? '');
  const parent = PARENT.exec(header ?? '');
  if (!root || !parent) return undefined;
  const sampled = /(?:^|;)\s*Sampled=1(?:;|$)/i.test(header!) ? '01' : '00';
  return `00-${root[1]}${root[2]}-${parent[1]}-${sampled}`.toLowerCase();
};

/** The X-Ray header of a `traceparent`; undefined when that is none. */
export const toXray = (traceparent: string | undefined): string | undefined => {
  const read = readTraceparent(traceparent);
  if (!read) return undefined;
  const { trace_id, span_id, sampled } = read;
  return `Root=1-${trace_id.slice(0, 8)}-${trace_id.slice(8)};Parent=${span_id};Sampled=${sampled ? 1 : 0}`;
};
