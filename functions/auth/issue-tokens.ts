import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { getEffective } from '../permissions/get-effective.ts';
import { Tokens } from './model.ts';

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
  }),
  output: Tokens,
  needs: ['tokens', 'settings', 'metrics'],
  calls: { getEffective },
  run: async ({ tokens, settings, metrics, getEffective }, { user_id, session_id, generation, refresh_token }) => {
    const rights = await getEffective({ user_id });
    const { access_token } = await tokens.sign({ user_id, session_id, generation, ...rights });
    metrics.count('perfect21_token_operations_total', { operation: 'issue', result: 'success' });
    return {
      access_token,
      token_type: 'Bearer' as const,
      expires_in: settings.access_token_ttl,
      refresh_token,
      session_id,
      user_id,
    };
  },
});
