/** The envelope as a schema: what a consumer accepts, and the input of every operation that handles an event. */
import * as z from 'zod';
import type { EventType } from '../kit/event.ts';

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

/** What a producer may leave out. Many languages write what they leave out as null. */
const OPTIONAL = ['correlation_id', 'user_id', 'metadata'] as const;

/**
 * Reads an envelope that somebody else may have written.
 *
 * @example const read = toEnvelope(JSON.parse(text)); if (read.success) handle(read.data);
 */
export const toEnvelope = (value: unknown): z.ZodSafeParseResult<AnyEnvelope> => {
  const told = value as Record<string, unknown> | null;
  const empty = typeof told === 'object' && told !== null ? OPTIONAL.filter((name) => told[name] === null) : [];
  if (empty.length === 0) return AnyEnvelope.safeParse(value);
  return AnyEnvelope.safeParse({ ...told, ...Object.fromEntries(empty.map((name) => [name, undefined])) });
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
