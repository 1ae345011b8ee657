import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { insert } from '../../shared/ports/store.ts';
import { TICKET_TTL_S, ticketId } from './frames.ts';
import { tickets } from './records.ts';

/** Gives a ticket for a WebSocket: an address may be seen by others, so no access token stands in it (ASVS 4.4.3). */
export const issueTicket = operation({
  name: 'notifications.issue-ticket',
  summary: 'Gives a ticket with which a WebSocket is opened once, within 30 seconds',
  http: { method: 'POST', path: '/api/v1/realtime/ticket' },
  access: 'user',
  input: z.strictObject({}),
  output: z.object({ ticket: z.string(), expires_at: z.int().meta({ description: 'Unix seconds' }) }),
  writes: [tickets],
  needs: ['clock', 'ids'],
  bounds: { address: 300 },
  audit: 'events',
  run: async ({ store, clock, ids }, _, { caller }) => {
    if (caller.kind !== 'user') throw new AppError('unauthenticated');
    const ticket = ids.random(32);
    const expires_at = clock.now() + TICKET_TTL_S * 1_000;
    const { kind: _kind, ...holder } = caller;
    const record = { ...holder, permissions: [...caller.permissions], roles: [...caller.roles] };
    await store.transact([insert(tickets, ticketId(ticket), record, { expires_at })]);
    return { ticket, expires_at: Math.floor(expires_at / 1_000) };
  },
});
