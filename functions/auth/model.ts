/** Shapes that several operations of auth share. */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { Context } from '../../shared/kit/context.ts';

/** The answer of every way to log in (contract, section 2). */
export const Tokens = z.object({
  access_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.int().meta({ description: 'Seconds' }),
  refresh_token: z.string(),
  session_id: z.string(),
  user_id: z.string(),
});

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
});

/** A name for something typed that must not be stored as it is. */
export const digest = (text: string): string => createHash('sha256').update(text).digest('base64url');
