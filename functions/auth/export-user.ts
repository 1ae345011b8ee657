import * as z from 'zod';
import { Exported, single } from '../../shared/kit/exported.ts';
import { operation } from '../../shared/kit/operation.ts';
import { factors } from './records.ts';

/** What is kept of a user here, for the user: the second factor, without its seed and the codes. */
export const exportUser = operation({
  name: 'auth.export-user',
  summary: 'Gives all that auth keeps of a user',
  access: 'service',
  input: z.strictObject({ user_id: z.string() }),
  output: Exported,
  reads: [factors],
  run: async ({ store }, { user_id }) => {
    const factor = await store.get(factors, user_id);
    const { confirmed_at, recovery = [] } = factor?.value ?? {};
    return single('factors', factor && { method: 'totp', confirmed_at, recovery_codes_left: recovery.length });
  },
});
