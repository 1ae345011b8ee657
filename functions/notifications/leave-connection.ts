import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { forget } from './connected.ts';
import { connectionOwners, listeners, presence } from './records.ts';

/** Notes that a connection at API Gateway ended. It may never be told: then the next frame finds out, or the end of the token. */
export const leaveConnection = operation({
  name: 'notifications.leave-connection',
  summary: 'Notes that a connection ended',
  access: 'service',
  input: z.strictObject({ connection_id: z.string() }),
  output: z.object({}),
  errors: ['conflict'],
  writes: [connectionOwners, listeners, presence],
  needs: ['clock'],
  run: async ({ store, clock }, { connection_id }) => {
    const owner = await store.get(connectionOwners, connection_id);
    if (owner) await forget(store, owner.value.user_id, [connection_id], clock.now());
    return {};
  },
});
