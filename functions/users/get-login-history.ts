import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { loginHistory } from './records.ts';

/** Lists the logins of a user and the tries of others, newest first, of the last 90 days. */
export const getLoginHistory = operation({
  name: 'users.get-login-history',
  summary: "Lists a user's logins",
  http: { method: 'GET', path: '/api/v1/users/{user_id}/login-history' },
  access: ['own', 'users:read'],
  input: z.strictObject({
    user_id: z.string().min(1).max(128),
    cursor: z.string().max(1_024).optional(),
    limit: z.coerce.number().int().min(1).max(200).default(50),
  }),
  output: z.object({
    logins: z.array(
      z.object({
        id: z.string(),
        at: z.int().meta({ description: 'Unix seconds' }),
        ip_address: z.string(),
        user_agent: z.string(),
        login_successful: z.boolean(),
        failure_reason: z.string().optional(),
        location: z.record(z.string(), z.string()).optional(),
        mfa_used: z.boolean(),
        risk_score: z.number().optional(),
      }),
    ),
    next_cursor: z.string().optional(),
  }),
  audit: 'reads',
  reads: [loginHistory],
  queries: ['login_history.by_user'],
  run: async ({ store }, { user_id, cursor, limit }) => {
    const page = await store.query(loginHistory, 'by_user', user_id, { cursor, limit, order: 'desc' });
    return { logins: page.items.map(({ id, value }) => ({ ...value, id })), next_cursor: page.next_cursor };
  },
});
