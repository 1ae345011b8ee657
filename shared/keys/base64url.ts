/** Base64url as RFC 7515 §2 wants it: the alphabet of RFC 4648 §5, no padding, and only one spelling for the same bytes. */

/** Digits whose spare bits are zero, after a last group of two digits and of three. */
const LAST_OF_TWO = 'AQgw';
const LAST_OF_THREE = 'AEIMQUYcgkosw048';
const DIGITS = /^[A-Za-z0-9_-]*$/;

/** True for the one spelling that an encoder makes. @example isCanonical('Zm8') // true; 'Zm9' has spare bits set: false */
export const isCanonical = (text: string): boolean => DIGITS.test(text) && endsCanonically(text);

/** The same for a text whose characters are known to be of the alphabet. */
export const endsCanonically = (text: string): boolean => {
  const rest = text.length % 4;
  if (rest === 0) return true;
  return rest > 1 && (rest === 2 ? LAST_OF_TWO : LAST_OF_THREE).includes(text[text.length - 1]!);
};

/** Encodes bytes, or text as UTF-8. */
export const encode = (content: Uint8Array | string): string =>
  typeof content === 'string'
    ? Buffer.from(content).toString('base64url')
    : Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('base64url');
