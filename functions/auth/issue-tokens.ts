import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { getEffective } from '../permissions/get-effective.ts';
import { Amr, Tokens } from './model.ts';

/** Signs an access token for a session and puts it beside the refresh token: the end of every way to log in. */
export const issueTokens = operation({
  name: 'auth.issue-tokens',
  summary: 'Signs an access token for a session',
  access: 'service',
  input: z.strictObject({
    user_id: z.string(),
    session_id: z.string(),
    generation: z.int(),
    refresh_token: z.string(),
    client: z
      .strictObject({ ip_address: z.string(), user_agent: z.string(), device_id: z.string().optional() })
      .optional()
      .meta({ description: 'Whom they are issued to: a mark of it stands in the access token' }),
    auth_time: z.int().optional().meta({ description: 'Unix seconds of the login' }),
    amr: Amr.optional().meta({ description: 'How it was proven' }),
  }),
  output: Tokens,
  needs: ['clientMarks', 'clock', 'tokens', 'metrics'],
  calls: { getEffective },
  run: async ({ clientMarks, clock, tokens, metrics, getEffective }, { refresh_token, client, ...subject }) => {
    const { user_id, session_id } = subject;
    const { ends_at: expires_by, ...rights } = await getEffective({ user_id });
    const client_mark = client && clientMarks.of(session_id, client);
    const now = Math.floor(clock.now() / 1_000);
    // a role that is over in five minutes is in no token that lives longer
    const { access_token, expires_at } = await tokens.sign({ ...subject, ...rights, client_mark, expires_by });
    metrics.count('perfect21_token_operations_total', { operation: 'issue', result: 'success' });
    return {
      access_token,
      token_type: 'Bearer' as const,
      expires_in: expires_at - now,
      refresh_token,
      session_id,
      user_id,
    };
  },
});
