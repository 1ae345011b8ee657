/** The envelope as a schema: what a consumer accepts, and the input of every operation that handles an event. */
import * as z from 'zod';
import type { EventType } from '../kit/event.ts';
import { utc } from '../kit/moment.ts';

const Metadata = z.looseObject({
  /** Version of the payload; 1 when left out. */
  version: z.int().positive().optional(),
  traceparent: z.string().max(256).optional(),
});

/** An envelope of any event: the frame is checked, the payload is not. Fields that it does not know are dropped. */
export const AnyEnvelope = z.object({
  message_id: z.string().min(1).max(128),
  message_type: z.string().min(1).max(128),
  timestamp: z.iso.datetime({ offset: true }),
  source_service: z.string().min(1).max(64),
  correlation_id: z.string().max(128).optional(),
  user_id: z.string().max(128).optional(),
  data: z.record(z.string(), z.unknown()),
  metadata: Metadata.optional(),
});
export type AnyEnvelope = z.output<typeof AnyEnvelope>;

/** Deeper than any payload goes. What is deeper stays as it is: a stranger's text must not exhaust the stack. */
const DEPTH = 16;

/** A value without members that are null, which is how many languages write what they leave out. The same where there is none. */
const withoutNulls = (value: unknown, depth = 0): unknown => {
  if (typeof value !== 'object' || value === null || depth === DEPTH) return value;
  if (Array.isArray(value)) {
    const items = value.map((item) => withoutNulls(item, depth + 1));
    return items.some((item, at) => item !== value[at]) ? items : value;
  }
  let same = true;
  const kept: [string, unknown][] = [];
  for (const [name, member] of Object.entries(value)) {
    const clean = withoutNulls(member, depth + 1);
    if (clean !== null) kept.push([name, clean]);
    same &&= clean !== null && clean === member;
  }
  return same ? value : Object.fromEntries(kept);
};

/**
 * Reads an envelope that somebody else may have written: null is absent, and a time without an offset is UTC.
 *
 * @example const read = toEnvelope(JSON.parse(text)); if (read.success) handle(read.data);
 */
export const toEnvelope = (value: unknown): z.ZodSafeParseResult<AnyEnvelope> => {
  const told = withoutNulls(value) as Record<string, unknown> | null;
  const timestamp = typeof told === 'object' && told?.timestamp;
  return AnyEnvelope.safeParse(typeof timestamp === 'string' ? { ...told, timestamp: utc(timestamp) } : told);
};

/** The payload's schema for a reader: what a later producer adds is dropped, where a producer itself may add nothing. */
const tolerant = <D extends z.ZodType>(data: D): D =>
  data instanceof z.ZodObject ? (data.strip() as unknown as D) : data;

/**
 * The schema of one event's envelope. A payload of another version than the one declared is refused, so that the
 * message is parked instead of being misread.
 *
 * @example operation({ …, input: envelopeOf(userRegistered), subscription: { …, types: [userRegistered.type] } })
 */
export const envelopeOf = <T extends string, D extends z.ZodType>(event: EventType<T, D>) =>
  z
    .object({ ...AnyEnvelope.shape, message_type: z.literal(event.type), data: tolerant(event.data) })
    .refine(({ metadata }) => (metadata?.version ?? 1) === event.version, {
      path: ['metadata', 'version'],
      message: `Only version ${event.version} of ${event.type} is understood`,
    });
