/** What validating one token and many have in common. */
import * as z from 'zod';
import type { Verdict } from '../../shared/ports/tokens.ts';

/** ValidateTokenResponse (proto/auth_service.proto). */
export const Validation = z.object({
  valid: z.boolean(),
  user_id: z.string(),
  permissions: z.array(z.string()),
  expires_at: z.int().meta({ description: 'Unix seconds; 0 for a token that is not valid' }),
  error_message: z.string().meta({ description: 'Why the token is not valid' }),
  warnings: z.array(z.string()),
});

const SOON = 60;

export const toValidation = (verdict: Verdict, now: number): z.input<typeof Validation> =>
  verdict.valid
    ? {
        valid: true,
        user_id: verdict.claims.sub,
        permissions: verdict.claims.permissions,
        expires_at: verdict.claims.exp,
        error_message: '',
        warnings: verdict.claims.exp - now / 1000 < SOON ? ['expires_soon'] : [],
      }
    : { valid: false, user_id: '', permissions: [], expires_at: 0, error_message: verdict.error, warnings: [] };
