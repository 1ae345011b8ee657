import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { getAccount } from '../users/get-account.ts';
import { expiryOf } from './model.ts';
import { sessions } from './records.ts';
import { isHashOf, read } from './refresh-token.ts';

/** Says whose a refresh token is, if it can be used now. Using it is another thing: nothing changes here. */
export const findRefreshToken = operation({
  name: 'sessions.find-refresh-token',
  summary: 'Says whose a refresh token is',
  access: 'service',
  input: z.strictObject({ refresh_token: z.string() }),
  output: z.object({
    session: z
      .object({ user_id: z.string(), session_id: z.string(), created_at: z.int(), expires_at: z.int() })
      .optional()
      .meta({ description: 'Left out where the token can not be used. Times are unix seconds' }),
  }),
  reads: [sessions],
  needs: ['secrets', 'settings'],
  calls: { getAccount },
  run: async ({ store, secrets, settings, getAccount }, { refresh_token }) => {
    const presented = read(secrets, refresh_token);
    const session = presented && (await store.get(sessions, presented.session_id));
    if (!session || !isHashOf(session.value.refresh_hash, refresh_token)) return {};
    const { user_id, created_at, generation } = session.value;
    const account = await getAccount({ user_id });
    const spared = account.spared_session_id === session.id;
    if (account.status !== 'active' || (generation < account.generation && !spared)) return {};
    const expires_at = Math.floor(expiryOf(session.value, settings) / 1_000);
    return { session: { user_id, session_id: session.id, created_at, expires_at } };
  },
});
