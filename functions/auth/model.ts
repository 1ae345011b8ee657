/** Shapes that several operations of auth share. */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { Context } from '../../shared/kit/context.ts';

/** How a session was proven (RFC 8176): a password, a one-time code, the key of a passkey, and that there were two factors. */
export const METHODS = ['pwd', 'otp', 'pop', 'mfa'] as const;
export const Amr = z.array(z.enum(METHODS)).max(METHODS.length);
export type Amr = z.output<typeof Amr>;

/** The answer of every way to log in (contract, section 2). */
export const Tokens = z.object({
  access_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.int().meta({ description: 'Seconds' }),
  refresh_token: z.string(),
  session_id: z.string(),
  user_id: z.string(),
});

/** What a login answers that a code is missing of. */
export const CodeWanted = z.object({
  mfa_required: z.literal(true),
  mfa_token: z
    .string()
    .meta({ description: 'For `POST /api/v1/auth/mfa/verify`, within five minutes and by the same client' }),
  methods: z.array(z.enum(['totp', 'recovery_code'])).meta({ description: 'What a code may be of' }),
});

/** A code of a second factor as people type one: six digits, or a recovery code. */
export const Code = z
  .string()
  .min(6)
  .max(64)
  .meta({ description: 'Six digits of the app, or a recovery code', examples: ['314159'] });

export const DeviceInfo = z
  .record(z.string().max(64), z.string().max(256))
  .refine((info) => Object.keys(info).length <= 20, 'At most 20 entries')
  .optional();

/** A token as callers send one; anything longer is no token of ours, and is answered as such. */
export const TokenText = z.string();

/** Where a call comes from, as the door saw it; a service may say it of its own client instead. */
export const clientOf = (
  context: Context,
  said: { client_ip?: string; user_agent?: string; device_info?: Record<string, string> } = {},
) => ({
  ip_address: (context.caller.kind === 'service' ? said.client_ip : undefined) ?? context.client.ip ?? '',
  user_agent: (context.caller.kind === 'service' ? said.user_agent : undefined) ?? context.client.user_agent ?? '',
  device_info: said.device_info,
  place: context.caller.kind === 'service' ? undefined : context.client.place?.(),
});

/** A name for something typed that must not be stored as it is. */
export const digest = (text: string): string => createHash('sha256').update(text).digest('base64url');
