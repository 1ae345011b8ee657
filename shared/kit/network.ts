import { isIP } from 'node:net';

/**
 * The network of an address, as bounds count it: IPv4 as it is, IPv6 by /64, for that is what one customer has at least.
 *
 * @example networkOf('2001:db8::1:2') // '2001:db8:0:0'
 */
export const networkOf = (ip: string | undefined): string => {
  if (!ip?.includes(':')) return ip ?? '';
  const [front = '', back] = ip.replace(/%.*$/, '').split('::');
  const before = front.split(':').filter(Boolean);
  const after = back === undefined ? [] : back.split(':').filter(Boolean);
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0');
  return [...before, ...(back === undefined ? [] : zeros), ...after]
    .slice(0, 4)
    .map((word) => Number.parseInt(word, 16).toString(16))
    .join(':');
};

/**
 * The network of an address, as a change of place counts: IPv4 by /24, IPv6 by /64. Empty for what is no address.
 *
 * @example networkPrefix('203.0.113.7') // '203.0.113'
 */
export const networkPrefix = (ip = ''): string => {
  const plain = ip.replace(/^::ffff:(?=\d+\.)/i, '');
  const version = isIP(plain);
  if (version === 4) return plain.slice(0, plain.lastIndexOf('.'));
  return version === 6 ? networkOf(plain) : '';
};
