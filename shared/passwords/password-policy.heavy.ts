/**
 * Which passwords are accepted (NIST SP 800-63B-4 §3.1.1.2): long enough, and not what an attacker tries first. No rules
 * of composition, no periodic change. Works offline; no part of a password leaves the process.
 */
import { commonAt, isFamous } from './common-passwords.ts';
import { worthWithoutRuns } from './keyboard-walk.ts';

/** Code points. A longer password is refused before anything is computed from it. */
export const MAX_PASSWORD_LENGTH = 1024;
/** What is left beside known words must be this long, or the password is essentially those words. */
const SUBSTANCE = 8;
/** Shorter context words occur in anything. */
const SHORTEST_CONTEXT = 4;
/** What repeats fewer characters than this is guessed as a repetition. */
const LONGEST_UNIT = 12;
const SERVICE_NAME = 'perfect21';
/** Three different words are a passphrase, even if each of them is common. */
const PASSPHRASE_WORDS = 3;

const fold = (text: string): string => text.normalize('NFKC').toLowerCase();

/** After how many characters a text begins again, to its end; its whole length if it does not. */
const periodOf = (points: readonly string[]): number => {
  const borders = [0];
  for (let at = 1; at < points.length; at += 1) {
    let border = borders[at - 1]!;
    while (border > 0 && points[at] !== points[border]) border = borders[border - 1]!;
    borders.push(points[at] === points[border] ? border + 1 : 0);
  }
  return points.length - (borders.at(-1) ?? 0);
};

/** True for runs like 12345678…, abcdefgh…, 9876…: every step is the same, one up or down (0 follows 9). */
const isRun = (text: string): boolean => {
  const points = [...text].map((char) => char.codePointAt(0)!);
  const steps = new Set(points.slice(1).map((point, index) => point - points[index]!));
  const isDigits = /^\d+$/.test(text);
  return [1, -1].some((step) => [...steps].every((each) => each === step || (isDigits && each === -9 * step)));
};

/** The words that a person's names consist of, longest first. */
const contextWords = (context: readonly string[]): string[] => {
  const names = [SERVICE_NAME, ...context].map(fold);
  const parts = names.flatMap((name) => [name, ...name.split(/[^\p{L}\p{N}]+/u)]);
  return [...new Set(parts)].filter((word) => [...word].length >= SHORTEST_CONTEXT).sort((a, b) => b.length - a.length);
};

/** Finds known words from left to right; says which, and how many code points are left beside them. */
const strip = (text: string, wordAt: (text: string, at: number) => string | undefined) => {
  const found = new Set<string>();
  let rest = '';
  for (let at = 0; at < text.length; ) {
    const word = wordAt(text, at);
    if (word) found.add(word);
    else rest += text[at];
    at += word?.length ?? 1;
  }
  return { found, left: [...rest].length };
};

const COMMON =
  'This password is one of the most common ones, or close to one. Choose another, e.g. several unrelated words.';

/** Why a text is essentially known words, if it is. */
const knownWords = (text: string, context: readonly string[]): string | undefined => {
  const own = contextWords(context);
  const ownAt = (from: string, at: number) => own.find((word) => from.startsWith(word, at));
  const names = strip(text, ownAt);
  if (names.found.size && names.left < SUBSTANCE) {
    return 'This password is mostly your name, your e-mail address or the name of this service. Choose another one.';
  }
  const all = strip(text, (from, at) => ownAt(from, at) ?? commonAt(from, at));
  if (all.left >= SUBSTANCE || all.found.size === 0 || all.found.size >= PASSPHRASE_WORDS) return undefined;
  return COMMON;
};

/**
 * Judges a new password.
 *
 * @param min_length in code points
 * @param context words an attacker would try for this person: local part of the e-mail, username, names
 * @returns undefined when it is accepted, else the reason to tell the user
 * @example checkPassword('anna anna anna anna', { min_length: 15, context: ['anna'] })?.reason
 */
export const checkPassword = (
  password: string,
  { min_length, context }: { min_length: number; context: readonly string[] },
): { reason: string } | undefined => {
  // a code point takes two units at most
  if (password.length > 2 * MAX_PASSWORD_LENGTH || [...password].length > MAX_PASSWORD_LENGTH) {
    return { reason: `This password is too long. Use at most ${MAX_PASSWORD_LENGTH} characters.` };
  }
  if (!password.isWellFormed()) return { reason: 'This password has characters that are not valid Unicode.' };
  if ([...password].length < min_length) {
    return { reason: `This password is too short. Use at least ${min_length} characters, e.g. several words.` };
  }
  const text = fold(password);
  const points = [...text];
  const period = periodOf(points);
  const repeats = points.length >= 2 * period;
  const again = {
    reason: `This password repeats the same few characters (${period} of them), which adds little. Choose another one.`,
  };
  if (repeats && period <= SHORTEST_CONTEXT) return again;
  if (isRun(text)) return { reason: 'This password is a sequence of characters. Choose another one.' };
  const reason = isFamous(text) ? COMMON : knownWords(text, context);
  if (reason) return { reason };
  if (worthWithoutRuns(text) < SUBSTANCE) {
    return { reason: 'This password is a run over the keyboard, the alphabet or the digits. Choose another one.' };
  }
  return repeats && period < LONGEST_UNIT ? again : undefined;
};
