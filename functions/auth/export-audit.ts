import * as z from 'zod';
import { auditLines } from '../../shared/kit/audit-records.ts';
import { operation } from '../../shared/kit/operation.ts';
import { NDJSON, stream } from '../../shared/kit/stream.ts';
import { AUDIT_QUERIES, AuditEntry, AuditFilter, auditPage, toEntry } from './audit.ts';

const PAGE = 500;

/** The same list as rows, as many as there are, in constant memory. */
export const exportAudit = operation({
  name: 'auth.export-audit',
  summary: 'Exports what was done by whom',
  http: [
    { method: 'GET', path: '/api/v1/audit/export' },
    { method: 'GET', path: '/api/v1/audit', accept: NDJSON },
  ],
  access: 'audit:read',
  input: z.strictObject(AuditFilter),
  output: stream(AuditEntry),
  elsewhere: 'pages of GET /api/v1/audit',
  audit: 'reads',
  reads: [auditLines],
  queries: AUDIT_QUERIES,
  run: async function* ({ store }, filter) {
    let cursor: string | undefined;
    do {
      const page = await auditPage(store, filter, { cursor, limit: PAGE });
      yield* page.lines.map(toEntry);
      cursor = page.next_cursor;
    } while (cursor !== undefined);
  },
});
