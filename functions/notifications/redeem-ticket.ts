import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { remove } from '../../shared/ports/store.ts';
import { ticketId } from './frames.ts';
import { tickets } from './records.ts';

/** Says whose a ticket is, once. */
export const redeemTicket = operation({
  name: 'notifications.redeem-ticket',
  summary: 'Takes a ticket and says who it lets in',
  access: 'service',
  input: z.strictObject({ ticket: z.string().max(256) }),
  output: z.object({
    user_id: z.string(),
    session_id: z.string(),
    jti: z.string(),
    generation: z.int(),
    expires_at: z.int(),
    permissions: z.array(z.string()),
    roles: z.array(z.string()),
  }),
  errors: ['invalid_token', 'conflict'],
  writes: [tickets],
  needs: ['clock'],
  run: ({ store, clock }, { ticket }) =>
    // of two that come with one ticket the second finds none
    retryConflict(async () => {
      const read = await store.get(tickets, ticketId(ticket));
      // a store may keep for a while what is over
      if (!read || (read.expires_at ?? 0) <= clock.now()) throw new AppError('invalid_token');
      await store.transact([remove(tickets, read)]);
      return read.value;
    }),
});
