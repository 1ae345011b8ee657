/**
 * Refresh tokens: `p21r_<session>.<generation>.<secret>.<tag>`. The secret is 256 random bits of which only a hash is
 * stored. The tag (HMAC) proves that it was once issued here, so that a forged one can't be mistaken for a reuse and
 * end somebody's session.
 *
 * The successor of a rotation is stored sealed under its parent's secret (AES-256-GCM, key by HKDF): only a client that
 * holds the parent can read it, which is just the client that may race itself.
 */
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { isTagOf, tagOf } from '../../shared/kit/hmac.ts';
import type { Ids } from '../../shared/ports/clock.ts';
import type { Secrets } from '../../shared/ports/secrets.ts';

export interface RefreshToken {
  session_id: string;
  generation: number;
  secret: string;
}

const FORM = /^p21r_([0-9a-f-]{36})\.(\d{1,9})\.([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{22})$/;

const same = (a: Buffer, b: Buffer): boolean => a.length === b.length && timingSafeEqual(a, b);

/** A new token of a session. */
export const mint = (secrets: Secrets, ids: Ids, session_id: string, generation: number): string => {
  const body = `${session_id}.${generation}.${ids.random(32)}`;
  return `p21r_${body}.${tagOf(secrets.key('refresh-token'), body).toString('base64url')}`;
};

/** Reads a token that was issued here; undefined for anything else. */
export const read = (secrets: Secrets, token: string): RefreshToken | undefined => {
  const [, session_id, generation, secret, tag] = FORM.exec(token) ?? [];
  if (!session_id || !generation || !secret || !tag) return undefined;
  const body = `${session_id}.${generation}.${secret}`;
  const given = Buffer.from(tag, 'base64url');
  return isTagOf(secrets.keys('refresh-token'), body, given)
    ? { session_id, generation: Number(generation), secret }
    : undefined;
};

export const looksLikeRefreshToken = (token: string): boolean => token.startsWith('p21r_');

export const hashOf = (token: string): string => createHash('sha256').update(token).digest('base64url');

/** True when the token is the one whose hash is stored, compared in constant time. */
export const isHashOf = (hash: string, token: string): boolean => same(Buffer.from(hash), Buffer.from(hashOf(token)));

const keyUnder = (parent: string): Buffer =>
  Buffer.from(hkdfSync('sha256', parent, '', 'perfect21 refresh successor', 32));

/** Hides a successor so that only its parent opens it. */
export const sealUnder = (parent: string, successor: string): string => {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', keyUnder(parent), iv);
  return Buffer.concat([iv, cipher.update(successor, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString(
    'base64url',
  );
};

export const openUnder = (parent: string, sealed: string): string => {
  const bytes = Buffer.from(sealed, 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', keyUnder(parent), bytes.subarray(0, 12));
  decipher.setAuthTag(bytes.subarray(-16));
  return decipher.update(bytes.subarray(12, -16), undefined, 'utf8') + decipher.final('utf8');
};
