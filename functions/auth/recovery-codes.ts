/**
 * Recovery codes: ten for each user, good once each, for who lost the app. 120 random bits, so a plain hash keeps them
 * (SP 800-63B-4 §3.1.2.2 asks for a slow one below 112).
 */
import { createHash } from 'node:crypto';
import type { Ids } from '../../shared/ports/clock.ts';
import { base32 } from './totp.ts';

const CODES = 10;
const BYTES = 15;

const hashOf = (plain: string): string => createHash('sha256').update(`recovery ${plain}`).digest('base64url');

/** New codes as their owner sees them once, `abcd-efgh-…`, and the hashes that are kept. */
export const newRecoveryCodes = (ids: Ids): { codes: string[]; hashes: string[] } => {
  const plain = Array.from({ length: CODES }, () => base32(Buffer.from(ids.random(BYTES), 'base64url')).toLowerCase());
  return { codes: plain.map((code) => code.match(/.{4}/g)!.join('-')), hashes: plain.map(hashOf) };
};

/** The hash of something typed that has the form of a code: dashes, spaces and case aside. */
export const recoveryHash = (typed: string): string | undefined => {
  const plain = typed.replace(/[\s-]/g, '').toLowerCase();
  return /^[a-z2-7]{24}$/.test(plain) ? hashOf(plain) : undefined;
};
