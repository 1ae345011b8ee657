import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { connectedOf } from './presence.ts';
import { presence } from './records.ts';

/** Says which sessions of a user have a device that listens now, by WebSocket or Server-Sent Events. */
export const listConnected = operation({
  name: 'notifications.list-connected',
  summary: 'Says which devices of a user are connected',
  access: 'service',
  input: z.strictObject({ user_id: z.string().max(128) }),
  output: z.object({
    connected: z.array(z.object({ session_id: z.string(), since: z.int().meta({ description: 'Unix seconds' }) })),
  }),
  reads: [presence],
  needs: ['clock'],
  run: async ({ store, clock }, { user_id }) => {
    const found = await store.get(presence, user_id);
    return { connected: connectedOf(found?.value.sessions, clock.now()) };
  },
});
