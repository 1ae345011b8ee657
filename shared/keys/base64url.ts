/** Base64url as RFC 7515 §2 wants it: the alphabet of RFC 4648 §5, no padding, and only one spelling for the same bytes. */

/** Encodes bytes, or text as UTF-8. */
export const encode = (content: Uint8Array | string): string =>
  typeof content === 'string'
    ? Buffer.from(content).toString('base64url')
    : Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('base64url');

/**
 * The bytes of a text that is written as an encoder writes it: unpadded, of the alphabet, its spare bits zero.
 *
 * @returns undefined for any other spelling
 * @example decode('Zm8') // the bytes of 'fo'; 'Zm9' has spare bits set: undefined
 */
export const decode = (text: string): Buffer | undefined => {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
};
