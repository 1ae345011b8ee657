/** Passwords that everybody tries first: at least 3,000 of those that are long enough to be accepted at all. */
import { brotliDecompressSync } from 'node:zlib';
import { COMMON_PASSWORDS, SHORT_COMMON_PASSWORDS } from './generated/common-passwords.ts';

/** Code points of the longest entry; longer texts need not be looked up. */
let longest = 0;
let words: Set<string> | undefined;

/** Short words that lists of passwords have as well, and what they call those who rule. */
const MORE = ['admin', 'administrator', 'root', 'user', 'guest', 'login', 'passw0rd', 'p@ssword', 'pass', 'welcome'];

/** Sentences that everybody knows, without spaces: who tries passphrases begins with these. */
const FAMOUS: ReadonlySet<string> = new Set([
  'correcthorsebatterystaple',
  'thequickbrownfoxjumpsoverthelazydog',
  'tobeornottobethatisthequestion',
  'maytheforcebewithyou',
  'itwasthebestoftimesitwastheworstoftimes',
  'alliwantforchristmasisyou',
  'onceuponatimeinamerica',
  'loremipsumdolorsitamet',
  'theanswertolifetheuniverseandeverything',
]);

/** True for a sentence that everybody knows, however it is spaced and set. */
export const isFamous = (text: string): boolean => FAMOUS.has(text.replace(/[^\p{L}\p{N}]+/gu, ''));

const unpack = (packed: string): string[] => brotliDecompressSync(Buffer.from(packed, 'base64')).toString().split(' ');

const load = (): Set<string> => {
  if (words) return words;
  words = new Set([...unpack(COMMON_PASSWORDS), ...unpack(SHORT_COMMON_PASSWORDS), ...MORE]);
  for (const word of words) longest = Math.max(longest, word.length);
  return words;
};

/** The shortest entry's length. */
export const SHORTEST_COMMON = 4;

/** The longest common password that a lower-case text has at this position. */
export const commonAt = (text: string, at: number): string | undefined => {
  const all = load();
  for (let length = Math.min(longest, text.length - at); length >= SHORTEST_COMMON; length -= 1) {
    const candidate = text.slice(at, at + length);
    if (all.has(candidate)) return candidate;
  }
  return undefined;
};
