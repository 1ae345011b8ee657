/** Who is at the other end: the address that limits, logs and sessions count by. Only trusted hops may speak for others. */
import { BlockList, isIP, isIPv4, SocketAddress } from 'node:net';
import { StartError } from '../../config/start-error.ts';

/** IPv4 in dots (also when mapped into IPv6), IPv6 as in RFC 5952 without zone; undefined for anything else. */
export const canonicalIp = (address: string): string | undefined => {
  const bare = address.replace(/%.*$/, '');
  if (isIPv4(bare)) return bare;
  if (isIP(bare) !== 6) return undefined;
  const { address: short } = new SocketAddress({ address: bare, family: 'ipv6' });
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(short);
  return mapped ? mapped[1] : short;
};

/** `address`, `address:port` or `[address]:port`, as proxies write their hops. */
const hopOf = (entry: string): string | undefined => {
  const text = entry.trim();
  const bracketed = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(text);
  const withPort = /^(\d+\.\d+\.\d+\.\d+):\d{1,5}$/.exec(text);
  return canonicalIp(bracketed?.[1] ?? withPort?.[1] ?? text);
};

const listOf = (trusted: readonly string[]): BlockList => {
  const list = new BlockList();
  for (const entry of trusted) {
    const [address = '', bits, ...rest] = entry.split('/');
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    const limit = family === 'ipv4' ? 32 : 128;
    const prefix = bits === undefined ? limit : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
    if (!isIP(address) || rest.length || !(prefix >= 0 && prefix <= limit)) {
      throw new StartError(
        `PERFECT21_TRUSTED_PROXIES: "${entry}" is neither an address nor a range such as 10.0.0.0/8`,
      );
    }
    list.addSubnet(address, prefix, family);
  }
  return list;
};

/** Whether an address is one of our own proxies. @throws StartError as `clientIp` does */
export const trustOf = (trusted: readonly string[]): ((peer: string | undefined) => boolean) => {
  const list = listOf(trusted);
  return (peer) => {
    const ip = peer === undefined ? undefined : canonicalIp(peer);
    return ip !== undefined && list.check(ip, isIPv4(ip) ? 'ipv4' : 'ipv6');
  };
};

/** A header may name hops without end; nobody has more proxies than this. */
const MAX_HOPS = 32;

/**
 * Makes the reader of client addresses: the peer, or, when the peer is a trusted proxy, the right-most hop of
 * `X-Forwarded-For` that is not one. What stands left of that hop is the client's own invention and ignored.
 *
 * @param trusted addresses and CIDR ranges of our own proxies
 * @throws StartError for an entry that is neither
 * @example clientIp(['10.0.0.0/8'])('10.1.2.3', '6.6.6.6, 203.0.113.7') // '203.0.113.7'
 */
export const clientIp = (
  trusted: readonly string[],
): ((peer: string | undefined, forwardedFor?: string) => string | undefined) => {
  const list = listOf(trusted);
  const trusts = (ip: string): boolean => list.check(ip, isIPv4(ip) ? 'ipv4' : 'ipv6');
  return (peer, forwardedFor) => {
    // the system writes IPv4 in its canonical form already
    let nearest = peer?.includes(':') ? canonicalIp(peer) : peer;
    if (trusted.length === 0 || !forwardedFor || nearest === undefined || !trusts(nearest)) return nearest;
    const hops = forwardedFor.split(',').slice(-MAX_HOPS);
    for (const entry of hops.reverse()) {
      const hop = hopOf(entry);
      if (hop === undefined) return nearest;
      nearest = hop;
      if (!trusts(hop)) return hop;
    }
    return nearest;
  };
};
