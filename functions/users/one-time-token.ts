/**
 * Tokens sent by mail: 128 bits name the user, 256 random bits prove the mail was read. Only hashes are stored, in one
 * record for each user and purpose, so that using one uses all of them up. A newer token replaces the older, unless
 * strangers may ask for it too: then each that was mailed is good until its time.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Ids } from '../../shared/ports/clock.ts';
import { insert, type Stored, update, type Write } from '../../shared/ports/store.ts';
import { type OneTimeToken, oneTimeTokens } from './records.ts';

export const PURPOSES = ['verify-email', 'reset-password', 'change-email', 'undo-email'] as const;
export type Purpose = (typeof PURPOSES)[number];

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TOKEN = /^[A-Za-z0-9_-]{64}$/;
const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url');

export const tokenId = (purpose: Purpose, userId: string): string => `${purpose}:${userId}`;

/** Tokens of one user and purpose that are good at the same time; for more there is no mail. */
export const MAX_BESIDE = 20;

/** Every address that tokens of a record were mailed to. */
export const emailsOf = ({ email, earlier = [] }: OneTimeToken): string[] => [
  email,
  ...earlier.flatMap((each) => each.email ?? []),
];

/** Tokens of a record that are good at a time (unix ms), newest first. */
export const goodTokens = ({ value, expires_at = 0 }: Stored<OneTimeToken>, now: number) =>
  [{ hash: value.hash, expires_at, email: value.email }, ...(value.earlier ?? [])].filter(
    (each) => each.expires_at > now,
  );

/**
 * A new token for a user, and the write that makes it the one valid token of its purpose.
 *
 * @param beside unix ms: tokens that are good then stay good beside it
 */
export const issueToken = (
  ids: Ids,
  purpose: Purpose,
  { user_id, email, generation }: { user_id: string; email: string; generation: number },
  earlier: Stored<OneTimeToken> | undefined,
  expires_at: number,
  beside?: number,
): { token: string; write: Write<'one_time_tokens'> } => {
  const user = Buffer.from(user_id.replaceAll('-', ''), 'hex').toString('base64url');
  const bytes = Buffer.concat([Buffer.from(user, 'base64url'), Buffer.from(ids.random(32), 'base64url')]);
  // mail programs take a last - or _ for the end of a sentence, and not for a part of the link
  if ((bytes.at(-1)! & 0x3e) === 0x3e) bytes[bytes.length - 1]! ^= 0x20;
  const token = bytes.toString('base64url');
  const good = earlier && beside !== undefined ? goodTokens(earlier, beside).slice(0, MAX_BESIDE - 1) : [];
  const value = { hash: sha256(token), email, generation, ...(good.length && { earlier: good }) };
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

/** Which of the tokens that are good now (unix ms, newest first) this is, compared in constant time; -1 for none. */
export const placeOfToken = (record: Stored<OneTimeToken>, token: string, now: number): number => {
  const given = Buffer.from(sha256(token));
  const held = goodTokens(record, now).map(({ hash }) => Buffer.from(hash));
  const same = held.map((hash) => hash.length === given.length && timingSafeEqual(hash, given));
  return same.indexOf(true);
};

/** True when the token is one whose hash is stored and that is good now (unix ms). */
export const matchesToken = (record: Stored<OneTimeToken>, token: string, now: number): boolean =>
  placeOfToken(record, token, now) >= 0;
