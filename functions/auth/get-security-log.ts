import * as z from 'zod';
import { auditLines } from '../../shared/kit/audit-records.ts';
import { operation } from '../../shared/kit/operation.ts';
import { auditPage } from './audit.ts';

const Entry = z.object({
  id: z.string(),
  at: z.int().meta({ description: 'Unix seconds' }),
  action: z.string(),
  by: z.enum(['you', 'another user', 'a service', 'somebody']).meta({
    description: 'somebody: who was not logged in, as when a login fails',
  }),
  about: z.record(z.string(), z.string()).optional(),
  outcome: z.enum(['done', 'refused']),
  reason: z.string().optional(),
  ip_address: z.string().meta({ description: 'Empty where somebody else acted with rights of his own' }),
  user_agent: z.string(),
});

const BY = { user: 'another user', service: 'a service', anonymous: 'somebody' } as const;

/** What was done to one's own account, newest first: by oneself, by others, and by whoever tried to log in. */
export const getSecurityLog = operation({
  name: 'auth.get-security-log',
  summary: "Lists what was done to the caller's account",
  http: { method: 'GET', path: '/api/v1/users/me/security-log' },
  access: 'user',
  input: z.strictObject({
    cursor: z.string().max(1024).optional(),
    limit: z.coerce.number().int().min(1).max(200).default(50),
  }),
  output: z.object({ entries: z.array(Entry), next_cursor: z.string().optional() }),
  reads: [auditLines],
  queries: ['audit_lines.by_subject'],
  run: async ({ store }, { cursor, limit }, { caller }) => {
    if (caller.kind !== 'user') return { entries: [] };
    const { user_id: subject } = caller;
    const { lines, next_cursor } = await auditPage(store as never, { subject }, { cursor, limit });
    const entries = lines.map(({ id, value: { at, action, actor, actor_kind, about, outcome, reason, origin } }) => {
      const own = actor === subject;
      // an administrator's address is nobody else's business
      const { ip_address = '', user_agent = '' } = (own || actor_kind === 'anonymous') && origin ? origin : {};
      const by = own ? ('you' as const) : BY[actor_kind];
      return { id, at: Math.floor(at / 1_000), action, by, about, outcome, reason, ip_address, user_agent };
    });
    return { entries, next_cursor };
  },
});
