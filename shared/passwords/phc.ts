/** Argon2id hashes as PHC strings: `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`, base64 without padding. */
import { type Argon2Parameters, BOUNDS } from './parameters.ts';

export interface Phc {
  parameters: Argon2Parameters;
  salt: Uint8Array;
  hash: Uint8Array;
}

const FORM =
  /^\$argon2id\$v=19\$m=([1-9]\d{0,6}),t=([1-9]\d{0,2}),p=([1-9]\d{0,2})\$([A-Za-z0-9+/]{8,128})\$([A-Za-z0-9+/]{8,128})$/;

const within = (value: number, { min, max }: { min: number; max: number }): boolean => value >= min && value <= max;
const encode = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replaceAll('=', '');

/** Reads a PHC string; undefined for anything but argon2id version 19 within the bounds of parameters.ts. */
export const parsePhc = (text: string): Phc | undefined => {
  const [, m, t, p, salt64, hash64] = FORM.exec(text) ?? [];
  if (!salt64 || !hash64) return undefined;
  const parameters = { memory: Number(m), passes: Number(t), parallelism: Number(p) };
  const salt = Buffer.from(salt64, 'base64');
  const hash = Buffer.from(hash64, 'base64');
  const sane =
    within(parameters.memory, BOUNDS.memory) &&
    within(parameters.passes, BOUNDS.passes) &&
    within(parameters.parallelism, BOUNDS.parallelism) &&
    // RFC 9106 §3.1: at least 8 KiB for each lane
    parameters.memory >= 8 * parameters.parallelism &&
    within(salt.length, BOUNDS.salt) &&
    within(hash.length, BOUNDS.hash);
  return sane && encode(salt) === salt64 && encode(hash) === hash64 ? { parameters, salt, hash } : undefined;
};

/** Writes a PHC string. */
export const formatPhc = ({ parameters: { memory, passes, parallelism }, salt, hash }: Phc): string =>
  `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${encode(salt)}$${encode(hash)}`;
