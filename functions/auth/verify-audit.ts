import * as z from 'zod';
import { sealAudit, verifyAudit } from '../../shared/kit/audit-chain.ts';
import { auditHeads, auditLines } from '../../shared/kit/audit-records.ts';
import { operation } from '../../shared/kit/operation.ts';

/**
 * Looks whether the audit log is as it was written: a line that was changed or taken away shows.
 *
 * A part at a time: `last` of an answer goes into `after` and `after_hash` of the next. Who keeps a `last` elsewhere sees
 * also when the whole log was written anew.
 */
export const verifyAuditLog = operation({
  name: 'auth.verify-audit',
  summary: 'Looks whether the audit log was changed',
  http: { method: 'GET', path: '/api/v1/audit/verify' },
  access: 'audit:read',
  input: z.strictObject({
    after: z.coerce.number().int().min(0).default(0).meta({ description: 'The number of a line that is trusted' }),
    after_hash: z.string().max(64).default('').meta({ description: 'Its hash' }),
    limit: z.coerce.number().int().min(1).max(10_000).default(1_000),
  }),
  output: z.object({
    verified: z.int(),
    faults: z.array(z.object({ number: z.int(), fault: z.enum(['missing', 'changed', 'origin_changed']) })),
    last: z.object({ number: z.int(), hash: z.string() }).optional(),
    complete: z.boolean().meta({ description: 'True at the end of the log' }),
  }),
  audit: 'events',
  reads: [auditLines, auditHeads],
  queries: ['audit_lines.chain'],
  writes: [auditLines, auditHeads],
  run: async ({ store }, { after: number, after_hash: hash, limit }) => {
    await sealAudit(store);
    return verifyAudit(store, { after: { number, hash }, limit });
  },
});
