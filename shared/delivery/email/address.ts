/** What may stand as a recipient: one plain address that means the same to every mail program. */

const LOCAL = /^[\p{L}\p{N}!#$%&'*+/=?^_`{|}~.-]{1,64}$/u;
const DOMAIN = /^[\p{L}\p{N}](?:[\p{L}\p{N}.-]{0,253}[\p{L}\p{N}])?$/u;

/**
 * True for `local@domain` without quotes, comments, spaces, lists or control characters: all that mail software is
 * known to read in two ways (RFC 5321 section 4.1.2 allows more than is safe).
 */
export const isPlainAddress = (address: string): boolean => {
  const at = address.lastIndexOf('@');
  return at > 0 && address.length <= 320 && LOCAL.test(address.slice(0, at)) && DOMAIN.test(address.slice(at + 1));
};
