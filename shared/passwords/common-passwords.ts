/** Passwords that everybody tries first: at least 3,000 of those that are long enough to be accepted at all. */
import { brotliDecompressSync } from 'node:zlib';
import { COMMON_PASSWORDS } from './generated/common-passwords.ts';

/** Code points of the longest entry; longer texts need not be looked up. */
let longest = 0;
let words: Set<string> | undefined;

const load = (): Set<string> => {
  if (words) return words;
  const text = brotliDecompressSync(Buffer.from(COMMON_PASSWORDS, 'base64')).toString();
  words = new Set(text.split(' '));
  for (const word of words) longest = Math.max(longest, word.length);
  return words;
};

/** The shortest entry's length. */
export const SHORTEST_COMMON = 8;

/** The longest common password that a lower-case text has at this position. */
export const commonAt = (text: string, at: number): string | undefined => {
  const all = load();
  for (let length = Math.min(longest, text.length - at); length >= SHORTEST_COMMON; length -= 1) {
    const candidate = text.slice(at, at + length);
    if (all.has(candidate)) return candidate;
  }
  return undefined;
};
