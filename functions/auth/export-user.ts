import * as z from 'zod';
import { auditLines } from '../../shared/kit/audit-records.ts';
import { Exported, rowsOf, single, together } from '../../shared/kit/exported.ts';
import { operation } from '../../shared/kit/operation.ts';
import { toOwnEntry } from './audit.ts';
import { viewOf } from './passkeys.ts';
import { factors, passkeys } from './records.ts';

/** What is kept of a user here, for the user: the second factor, without its seed and the codes, the passkeys, and what was done to the account. */
export const exportUser = operation({
  name: 'auth.export-user',
  summary: 'Gives all that auth keeps of a user',
  access: 'service',
  input: z.strictObject({ user_id: z.string() }),
  output: Exported,
  reads: [factors, passkeys, auditLines],
  queries: ['audit_lines.by_subject'],
  run: async ({ store }, { user_id }) => {
    const [factor, held] = await Promise.all([store.get(factors, user_id), store.get(passkeys, user_id)]);
    const { confirmed_at, recovery = [] } = factor?.value ?? {};
    const page = (cursor: string | undefined) =>
      store.query(auditLines, 'by_subject', user_id, { limit: 200, cursor, order: 'desc' });
    return together(
      single('factors', factor && { method: 'totp', confirmed_at, recovery_codes_left: recovery.length }),
      single('passkeys', held && { passkeys: held.value.passkeys.map(viewOf) }),
      await rowsOf('audit_lines', page, (line) => toOwnEntry(line, user_id)),
    );
  },
});
