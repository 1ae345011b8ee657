/** What the user of a token may, as it is asked and answered. */
import * as z from 'zod';
import { Question } from '../permissions/question-form.ts';

/** The user need not be named: it is the token's. */
export const TokenQuestion = z.strictObject({ user_id: z.string().max(128).optional(), ...Question });
export const TokenDecision = z.object({
  allowed: z.boolean(),
  reason: z.string(),
  applied_policies: z.array(z.string()),
});
