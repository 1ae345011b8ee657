import * as z from 'zod';
import { toAppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { endOf, expel, forget } from './connected.ts';
import { mark } from './mark.ts';
import { noteConnected } from './presence.ts';
import { connectionOwners, inbox, listeners, presence } from './records.ts';

/**
 * Hears a connection that API Gateway holds: that it is there, or that it took a message. One whose session or token is
 * over, or that nobody knows, ends.
 */
export const hearConnection = operation({
  name: 'notifications.hear-connection',
  summary: 'Hears that a connection is there, or took a message',
  access: 'service',
  input: z.discriminatedUnion('type', [
    z.strictObject({ connection_id: z.string(), type: z.literal('ping') }),
    z.strictObject({ connection_id: z.string(), type: z.literal('ack'), id: z.string().min(1).max(128) }),
  ]),
  output: z.object({}),
  errors: ['conflict'],
  reads: [inbox],
  writes: [connectionOwners, listeners, presence, inbox],
  needs: ['clock', 'connections', 'ids', 'revocations'],
  run: async ({ store, ...ports }, { connection_id: id, ...said }) => {
    const now = ports.clock.now();
    const user_id = (await store.get(connectionOwners, id))?.value.user_id;
    const held = user_id === undefined ? undefined : (await store.get(listeners, user_id))?.value.open[id];
    if (user_id === undefined || !held) {
      await ports.connections.close(id);
      return {};
    }
    const ended = await endOf(ports, user_id, held);
    if (ended) {
      await expel(ports, id, ended);
      await forget(store, user_id, [id], now);
    } else if (said.type === 'ping') await noteConnected(store, { user_id, session_id: held.session_id }, now);
    else {
      await mark(store, said.id, user_id, 'taken_at', now).catch((thrown) => {
        // made up, or gone from the inbox: there is nothing to take
        if (toAppError(thrown).code !== 'not_found') throw thrown;
      });
    }
    return {};
  },
});
