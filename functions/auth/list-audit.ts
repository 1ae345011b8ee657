import * as z from 'zod';
import { auditLines } from '../../shared/kit/audit-records.ts';
import { operation } from '../../shared/kit/operation.ts';
import { AUDIT_QUERIES, AuditEntry, AuditFilter, auditPage, toEntry } from './audit.ts';

/** Lists what was done by whom, newest first: every change, failed logins, and who was refused. As rows with `accept: application/x-ndjson`. */
export const listAudit = operation({
  name: 'auth.list-audit',
  summary: 'Lists what was done by whom',
  description:
    'With `accept: application/x-ndjson` it answers as GET /api/v1/audit/export does: all of it, a line each.',
  http: { method: 'GET', path: '/api/v1/audit' },
  access: 'audit:read',
  input: z.strictObject({
    ...AuditFilter,
    cursor: z.string().max(1024).optional(),
    limit: z.coerce.number().int().min(1).max(500).default(50),
  }),
  output: z.object({
    entries: z.array(AuditEntry).meta({ description: 'With several filters fewer than asked for, also none' }),
    next_cursor: z.string().optional(),
  }),
  reads: [auditLines],
  queries: AUDIT_QUERIES,
  run: async ({ store }, { cursor, limit, ...filter }) => {
    const { lines, next_cursor } = await auditPage(store, filter, { cursor, limit });
    return { entries: lines.map(toEntry), next_cursor };
  },
});
