import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import type { LastIds } from '../../shared/kit/last-ids.ts';
import { type OperationStore, operation } from '../../shared/kit/operation.ts';
import { stream } from '../../shared/kit/stream.ts';
import { tell } from '../../shared/kit/told-rows.ts';
import type { Ports } from '../../shared/ports/index.ts';
import type { Frame, Gap, Listener, Renewal } from '../../shared/ports/realtime.ts';
import { ackNotification } from './ack-notification.ts';
import { RealtimeFrame } from './frames.ts';
import { missedSince, startOf, toldLately } from './missed.ts';
import { noteConnected, noteLeft } from './presence.ts';
import { inbox, presence } from './records.ts';
import { redeemTicket } from './redeem-ticket.ts';

type Given = Pick<Ports, 'clock' | 'ids' | 'realtime'> & {
  store: OperationStore<'inbox' | 'presence', 'presence', never, 'inbox.by_user'>;
};

/** What somebody who comes is told first: hello, and what he missed. */
async function* greeted(
  { store, clock, ids, realtime }: Given,
  caller: Listener,
  since: string | undefined,
  told: LastIds,
): AsyncGenerator<Frame> {
  await noteConnected(store, caller, clock.now());
  const data = { connection_id: ids.uuid(), heartbeat_ms: realtime.heartbeat_ms };
  yield { id: data.connection_id, type: 'hello', at: Math.floor(clock.now() / 1_000), data };
  if (since === undefined) return;
  const from = await startOf(store, caller.user_id, since, clock.now(), told);
  yield* missedSince(store, caller.user_id, from, told);
}

/**
 * Tells a user what concerns him as it happens: messages of the inbox, what became of them, changes of permissions, the
 * end of the session. At least once, in order, by ids: who comes back with `since`, the id of the last frame, gets the
 * messages that came meanwhile. It ends with the session and with the access token.
 */
export const watch = operation({
  name: 'notifications.watch',
  summary: 'Tells the caller what concerns him, as it happens',
  http: { method: 'GET', path: '/api/v1/realtime/stream', rows: 'events', resumes: 'since' },
  socket: { path: '/ws', admits: redeemTicket, acks: ackNotification },
  access: 'user',
  input: z.strictObject({ since: z.string().max(128).optional() }),
  output: stream(RealtimeFrame, { idle: 90_000 }),
  reads: [inbox, presence],
  queries: ['inbox.by_user'],
  writes: [presence],
  needs: ['clock', 'ids', 'realtime'],
  elsewhere: 'a WebSocket, or a container of the notifications service',
  run: ({ store, clock, ids, realtime }, { since }, { caller }) => {
    if (caller.kind !== 'user') throw new AppError('unauthenticated');
    const { user_id } = caller;
    const told = toldLately();
    return tell<Frame | Gap | Renewal, Frame>({
      open: () => realtime.open(caller),
      first: () => greeted({ store, clock, ids, realtime }, caller, since, told),
      rowsOf: (item) => {
        if ('renew' in item) void noteConnected(store, caller, clock.now());
        else if ('missed_since' in item) return missedSince(store, user_id, item.missed_since, told);
        else if (told.add(item.id)) return item;
        return undefined;
      },
      left: () => (realtime.holds(caller) ? undefined : noteLeft(store, caller, clock.now())),
    });
  },
});
