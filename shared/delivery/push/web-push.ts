/** Web Push (RFC 8030): one encrypted request to the push service of a browser. The address came from outside. */
import { lookup as resolve } from 'node:dns';
import type { Agent } from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { AppError } from '../../kit/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { PushMessage } from '../../ports/push.ts';
import { sendFailure } from '../sending.ts';
import { encryptFor, MAX_PLAIN } from './encryption.ts';
import type { Vapid } from './vapid.ts';

const SEND_MS = 10_000;

const RESERVED = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const) {
  RESERVED.addSubnet(net, bits, 'ipv4');
}
const GLOBAL_IPV6 = new BlockList();
GLOBAL_IPV6.addSubnet('2000::', 3, 'ipv6');
/** Documentation, and forms that carry an IPv4 address: Teredo, ORCHID, 6to4. */
for (const [net, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
] as const) {
  RESERVED.addSubnet(net, bits, 'ipv6');
}

/** False for loopback, private, link-local and other special addresses (RFC 6890). */
export const isPublicAddress = (address: string): boolean =>
  isIP(address) === 6
    ? GLOBAL_IPV6.check(address, 'ipv6') && !RESERVED.check(address, 'ipv6')
    : isIP(address) === 4 && !RESERVED.check(address, 'ipv4');

/** Looks a name up and lets only public addresses through, so that what is checked is what is connected to. */
export const publicLookup: LookupFunction = (name, options, done) => {
  resolve(name, { ...options, all: true }, (error, found) => {
    const usable = error
      ? []
      : (found as { address: string; family: number }[]).filter(({ address }) => isPublicAddress(address));
    const [first] = usable;
    if (!first) return done(error ?? new Error(`${name} has no public address`), '', 0);
    if (options.all) done(null, usable);
    else done(null, first.address, first.family);
  });
};

/** A refusal of the push service that no retry mends, beside 404 and 410, which say that the subscription has ended. */
const PERMANENT = new Set([400, 401, 403, 405, 411, 413, 414, 415]);

const payloadOf = ({ title, text, url, message_id }: PushMessage): Buffer => {
  const render = (said: string): Buffer =>
    Buffer.from(JSON.stringify({ id: message_id, title, text: said, ...(url && { url }) }));
  let said = text;
  while (render(said).length > MAX_PLAIN && said.length > 0)
    said = [...said].slice(0, Math.floor([...said].length * 0.8)).join('');
  return render(said);
};

/**
 * Sends to browsers.
 *
 * @param options.lookup and `options.ca` are for a test's push service
 */
export const openWebPush = (
  vapid: Vapid,
  clock: Clock,
  options: { lookup?: LookupFunction; ca?: string; timeout_ms?: number } = {},
) => {
  const { lookup = publicLookup, ca, timeout_ms = SEND_MS } = options;
  let agent: Agent | undefined;

  const post = async (endpoint: string, headers: Record<string, string>, body: Buffer): Promise<number> => {
    // a function that pushes nothing starts without it
    const { Agent, request } = await import('node:https');
    agent ??= new Agent({ keepAlive: true, maxSockets: 20, timeout: 30_000, lookup, ...(ca && { ca }) });
    return new Promise((done, failed) => {
      const signal = AbortSignal.timeout(timeout_ms);
      const sent = request(endpoint, { method: 'POST', agent, headers, signal }, (response) => {
        // what it says is not needed, and could be long
        response.on('error', failed).resume();
        done(response.statusCode ?? 0);
      });
      sent.on('error', failed).end(body);
    });
  };

  const send = async (message: PushMessage): Promise<string> => {
    const { target, ttl, urgency, message_id } = message;
    if (target.kind !== 'web') throw new AppError('unimplemented', { detail: 'No subscription of a browser' });
    const { protocol, hostname } = new URL(target.endpoint);
    if (protocol !== 'https:' || isIP(hostname.replace(/^\[|\]$/g, '')))
      throw sendFailure(true, new Error('no public https address'));
    let body: Buffer;
    try {
      body = encryptFor(target.keys, payloadOf(message));
    } catch (cause) {
      throw sendFailure(true, cause);
    }
    const headers = {
      authorization: await vapid.authorization(target.endpoint, clock.now()),
      'content-encoding': 'aes128gcm',
      'content-type': 'application/octet-stream',
      'content-length': String(body.length),
      ttl: String(ttl),
      urgency,
      // a message that still waits is replaced by the same one again (RFC 8030 §5.4)
      topic: message_id.replace(/[^A-Za-z0-9]/g, '').slice(0, 32),
    };
    const status = await post(target.endpoint, headers, body).catch((cause: unknown) => {
      throw sendFailure(false, cause);
    });
    if (status >= 200 && status < 300) return `status ${status}`;
    const cause = new Error(`status ${status}`);
    if (status === 404 || status === 410)
      throw new AppError('not_found', { detail: 'The subscription has ended', cause });
    throw sendFailure(PERMANENT.has(status) || (status >= 300 && status < 400), cause);
  };
  return { send, close: async () => agent?.destroy() };
};
