import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import { endOf, expel, forget, greeted, HEARTBEAT_MS } from './connected.ts';
import { realtimeConnection } from './events.ts';
import { missedSince, startOf, timeOf, toldLately } from './missed.ts';
import { CONNECTIONS } from './queues.ts';
import { connectionOwners, inbox, listeners, presence } from './records.ts';

/** Ms within which a connection that is not there may still be opening. */
const OPENING_MS = 10_000;
/** Messages that are told to who comes back: each is a call of API Gateway, and a function has half a minute. */
const MOST = 200;

/**
 * Greets a connection that API Gateway holds, tells what it missed, and ends it with its token. What comes between its
 * greeting and the look into the inbox is told twice, and nothing never.
 */
export const onConnection = operation({
  name: 'notifications.on-connection',
  summary: 'Greets a connection that was opened, and ends it with its token',
  subscription: { ...CONNECTIONS, types: [realtimeConnection.type] },
  access: 'service',
  input: envelopeOf(realtimeConnection),
  output: z.object({}),
  errors: ['conflict'],
  reads: [inbox],
  queries: ['inbox.by_user'],
  writes: [connectionOwners, listeners, presence],
  needs: ['clock', 'connections', 'ids', 'revocations'],
  run: async ({ store, ...ports }, { data: { user_id, connection_id: id, state } }) => {
    const { clock, connections, ids } = ports;
    const now = clock.now();
    const held = (await store.get(listeners, user_id))?.value.open[id];
    const ended = state === 'over' || !held ? 'expired' : await endOf(ports, user_id, held);
    if (!held || ended) {
      await expel(ports, id, ended ?? 'expired');
      await forget(store, user_id, [id], now);
      return {};
    }
    const tell = async (frame: object): Promise<boolean> => {
      if (await connections.post(id, JSON.stringify(frame))) return true;
      if (!held.greeted && now - held.opened_at < OPENING_MS) {
        throw new AppError('unavailable', { detail: 'The connection is not open yet', retry_after: 1 });
      }
      await forget(store, user_id, [id], now);
      return false;
    };
    if (!held.greeted) {
      const connection_id = ids.uuid();
      const data = { connection_id, heartbeat_ms: HEARTBEAT_MS };
      if (!(await tell({ id: connection_id, type: 'hello', at: Math.floor(now / 1_000), data }))) return {};
      await greeted(store, user_id, id);
    }
    const told = toldLately();
    const { since, opened_at } = held;
    const from = since === undefined ? timeOf('', opened_at) : await startOf(store, user_id, since, now, told);
    for await (const frame of missedSince(store, user_id, from, told, MOST)) if (!(await tell(frame))) return {};
    return {};
  },
});
