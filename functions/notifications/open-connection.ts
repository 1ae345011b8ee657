import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { insert, remove, update } from '../../shared/ports/store.ts';
import { endOf, LONGEST_MS, MOST_OF_USER, openNow, tooMany, until } from './connected.ts';
import { realtimeConnection } from './events.ts';
import { ticketId } from './frames.ts';
import { noteConnected } from './presence.ts';
import { connectionOwners, type Held, listeners, presence, tickets } from './records.ts';

/** Tabs of one user come back at once. */
const TRIES = 20;

/**
 * Lets in who opens a WebSocket at API Gateway with a ticket: the ticket is spent, the connection noted, and both its
 * greeting and its end asked for, all at once or nothing. While it is opened nothing can be sent to it.
 */
export const openConnection = operation({
  name: 'notifications.open-connection',
  summary: 'Lets in who opens a WebSocket with a ticket',
  access: 'public',
  input: z.strictObject({
    connection_id: z.string().min(1).max(128),
    ticket: z.string().max(256),
    since: z.string().max(128).optional(),
  }),
  output: z.object({}),
  errors: ['invalid_token', 'conflict'],
  emits: [realtimeConnection],
  writes: [tickets, connectionOwners, listeners, presence],
  needs: ['clock', 'revocations'],
  bounds: { address: 300 },
  run: async ({ store, clock, revocations }, { connection_id, ticket, since }) => {
    const device = await retryConflict(async () => {
      const now = clock.now();
      const read = await store.get(tickets, ticketId(ticket));
      // a store may keep for a while what is over
      if (!read || (read.expires_at ?? 0) <= now) throw new AppError('invalid_token');
      const { user_id, session_id, jti, generation, expires_at } = read.value;
      const over_at = Math.min(expires_at * 1_000, now + LONGEST_MS);
      const held: Held = {
        session_id,
        jti,
        generation,
        opened_at: now,
        over_at,
        ...(since !== undefined && { since }),
      };
      // what ended between the ticket and now
      if (await endOf({ clock, revocations }, user_id, held)) throw new AppError('invalid_token');
      const found = await store.get(listeners, user_id);
      const others = openNow(found?.value.open, now);
      if (Object.keys(others).length >= MOST_OF_USER) throw tooMany();
      const value = { open: { ...others, [connection_id]: held } };
      const event = { user_id, connection_id };
      await store.transact(
        [
          // of two that come with one ticket the second finds none
          remove(tickets, read),
          insert(connectionOwners, connection_id, { user_id }, { expires_at: over_at }),
          found
            ? update(listeners, found, value, until(value.open))
            : insert(listeners, user_id, value, until(value.open)),
        ],
        [
          realtimeConnection.with({ ...event, state: 'opened' }, { user_id }),
          realtimeConnection.with({ ...event, state: 'over' }, { user_id, delay_ms: over_at - now }),
        ],
      );
      return { user_id, session_id };
    }, TRIES);
    await noteConnected(store, device, clock.now());
    return {};
  },
});
