/** What may stand as a recipient: one plain address that means the same to every mail program. */

// read when they are first used: V8 looks up whole scripts for them
const isLocal = (text: string): boolean => /^[\p{L}\p{N}!#$%&'*+/=?^_`{|}~.-]{1,64}$/u.test(text);
const isDomain = (text: string): boolean => /^[\p{L}\p{N}](?:[\p{L}\p{N}.-]{0,253}[\p{L}\p{N}])?$/u.test(text);

/**
 * True for `local@domain` without quotes, comments, spaces, lists or control characters: all that mail software is
 * known to read in two ways (RFC 5321 section 4.1.2 allows more than is safe).
 */
export const isPlainAddress = (address: string): boolean => {
  const at = address.lastIndexOf('@');
  return at > 0 && address.length <= 320 && isLocal(address.slice(0, at)) && isDomain(address.slice(at + 1));
};
