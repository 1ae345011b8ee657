/** Messages of a feed as they travel (proto/sidecar_service.proto): in parts, checked by who gets them. */
import * as z from 'zod';
import type { FeedMessage, Revocation } from '../ports/revocations.ts';

/** Entries of one event: large snapshots come in parts, so that nobody stands still over one. */
const PART = 500;

const id = z.string().min(1).max(256);
/** proto3 can't tell what is left out from what is empty. */
const sparing = z
  .string()
  .max(256)
  .optional()
  .transform((sid) => sid || undefined);
const base = { value: id, created_at: z.int().min(0) };
const generation = z.int().min(0);

/** A kind that is not known is no entry: who understands a revocation half lets the other half in. */
export const FeedEntry: z.ZodType<Revocation> = z.discriminatedUnion('kind', [
  ...(['jti', 'sid', 'user'] as const).map((kind) =>
    z.object({
      ...base,
      kind: z.literal(kind),
      generation: generation.optional(),
      except_sid: sparing,
      error: z.enum(['revoked', 'session_ended', 'user_inactive']),
    }),
  ),
  z.object({ ...base, kind: z.literal('permissions'), generation }),
  z.object({ ...base, kind: z.literal('roles'), value: z.literal('all'), generation }),
] as any) as any;

/** As of the proto message. Times are unix ms of who tells. */
export const FeedEvent = z.object({
  epoch: id,
  number: z.int().min(0),
  snapshot: z.boolean(),
  partial: z.boolean(),
  entries: z.array(FeedEntry).max(10_000),
  as_of: z.int(),
  sent_at: z.int(),
});
export type FeedEvent = z.output<typeof FeedEvent>;

/**
 * A message as events. `now` is asked when each is about to leave.
 *
 * @example for (const event of toEvents(news.since(at)!, () => clock.now())) …
 */
export function* toEvents(message: Exclude<FeedMessage, { kind: 'beside' }>, now: () => number): Generator<FeedEvent> {
  const { kind, revocations, as_of } = message;
  const snapshot = kind === 'snapshot';
  const { epoch, number: from } = snapshot ? message.at : message.after;
  const parts = Math.max(1, Math.ceil(revocations.length / PART));
  for (let part = 0; part < parts; part += 1) {
    const entries = revocations.slice(part * PART, (part + 1) * PART);
    // entries are numbered one by one, a snapshot as a whole
    const number = snapshot ? from : from + part * PART + entries.length;
    yield { epoch, number, snapshot, partial: snapshot && part < parts - 1, entries, as_of, sent_at: now() };
  }
}

/**
 * Makes messages of events, in the reader's own time: what was long on its way is old. The shortest way so far is taken
 * for none, so the clocks of both ends may differ; a reader that stood still finds everything late that waited for it.
 *
 * @param now the reader's clock
 */
export const eventReader = (now: () => number) => {
  let shortest = Number.POSITIVE_INFINITY;
  return ({ epoch, number, snapshot, partial, entries, as_of, sent_at }: FeedEvent): FeedMessage => {
    if (partial) return { kind: 'beside', revocations: entries };
    const way = now() - sent_at;
    shortest = Math.min(shortest, way);
    const own = now() - (way - shortest) - Math.max(0, sent_at - as_of);
    if (snapshot) return { kind: 'snapshot', at: { epoch, number }, revocations: entries, as_of: own };
    return { kind: 'entries', after: { epoch, number: number - entries.length }, revocations: entries, as_of: own };
  };
};
