import * as z from 'zod';
import { FeedEntry } from '../../shared/keys/feed-events.ts';
import { revocations } from '../../shared/keys/revocation-records.ts';
import { operation } from '../../shared/kit/operation.ts';

/**
 * Lists the live revocations by their times, for a verifier that asks again and again because nobody can tell it: beside an
 * API Gateway.
 */
export const listRevocations = operation({
  name: 'sessions.list-revocations',
  summary: 'Lists the live revocations, for verifiers',
  http: { method: 'GET', path: '/api/v1/revocations' },
  access: 'service',
  input: z.strictObject({
    from: z
      .string()
      .regex(/^\d{15}$/)
      .optional()
      .meta({ description: 'Unix ms in 15 digits: only those made since' }),
    cursor: z.string().max(1_024).optional(),
    limit: z.coerce.number().int().min(1).max(1_000).default(1_000),
  }),
  output: z.object({
    revocations: z.array(FeedEntry),
    next_cursor: z.string().optional(),
    now: z.int().meta({ description: 'Unix ms, by the clock that the times are of' }),
  }),
  reads: [revocations],
  queries: ['revocations.live'],
  needs: ['clock'],
  run: async ({ store, clock }, page) => {
    const now = clock.now();
    const { items, next_cursor } = await store.query(revocations, 'live', 'live', page);
    return { revocations: items.map(({ value }) => value), next_cursor, now };
  },
});
