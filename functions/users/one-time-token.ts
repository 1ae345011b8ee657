/**
 * Tokens sent by mail: 128 bits name the user, 256 random bits prove the mail was read. Only a hash is stored, one for
 * each user and purpose, so that a newer token replaces the older and using one uses it up.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Ids } from '../../shared/ports/clock.ts';
import { insert, type Stored, update, type Write } from '../../shared/ports/store.ts';
import { type OneTimeToken, oneTimeTokens } from './records.ts';

export type Purpose = 'verify-email' | 'reset-password';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TOKEN = /^[A-Za-z0-9_-]{64}$/;
const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url');

export const tokenId = (purpose: Purpose, userId: string): string => `${purpose}:${userId}`;

/** A new token for a user, and the write that makes it the one valid token of its purpose. */
export const issueToken = (
  ids: Ids,
  purpose: Purpose,
  { user_id, email, generation }: { user_id: string; email: string; generation: number },
  earlier: Stored<OneTimeToken> | undefined,
  expires_at: number,
): { token: string; write: Write<'one_time_tokens'> } => {
  const user = Buffer.from(user_id.replaceAll('-', ''), 'hex').toString('base64url');
  const token = Buffer.concat([Buffer.from(user, 'base64url'), Buffer.from(ids.random(32), 'base64url')]).toString(
    'base64url',
  );
  const value = { hash: sha256(token), email, generation };
  return {
    token,
    write: earlier
      ? update(oneTimeTokens, earlier, value, { expires_at })
      : insert(oneTimeTokens, tokenId(purpose, user_id), value, { expires_at }),
  };
};

/** Whose token this claims to be; undefined when it is no token at all. */
export const userOfToken = (token: string): string | undefined => {
  if (!TOKEN.test(token)) return undefined;
  const hex = Buffer.from(token, 'base64url').subarray(0, 16).toString('hex');
  const uuid = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return UUID.test(uuid) ? uuid : undefined;
};

/** True when the token is the one the record stands for, compared in constant time. */
export const matchesToken = (record: OneTimeToken, token: string): boolean => {
  const [held, given] = [Buffer.from(record.hash), Buffer.from(sha256(token))];
  return held.length === given.length && timingSafeEqual(held, given);
};
