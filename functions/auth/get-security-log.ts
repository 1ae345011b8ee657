import * as z from 'zod';
import { auditLines } from '../../shared/kit/audit-records.ts';
import { operation } from '../../shared/kit/operation.ts';
import { OwnEntry, toOwnEntry } from './audit.ts';

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
  output: z.object({ entries: z.array(OwnEntry), next_cursor: z.string().optional() }),
  reads: [auditLines],
  queries: ['audit_lines.by_subject'],
  run: async ({ store }, page, { caller }) => {
    if (caller.kind !== 'user') return { entries: [] };
    const { user_id } = caller;
    const found = await store.query(auditLines, 'by_subject', user_id, { ...page, order: 'desc' });
    return { entries: found.items.map((line) => toOwnEntry(line, user_id)), next_cursor: found.next_cursor };
  },
});
