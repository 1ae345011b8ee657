/**
 * Marks of clients: `<key>.<network>.<user agent>.<device>`, the claim `cnx`. Each part is 36 bits of an HMAC over the
 * session and a value, empty where that was not known; the first names the secret, so that who has another compares nothing.
 */
import { adapter } from '../kit/adapter.ts';
import { hmac } from '../kit/hmac.ts';
import { networkPrefix } from '../kit/network.ts';
import type { ClientMarks, MarkedClient } from '../ports/client-marks.ts';
import type { Secrets } from '../ports/secrets.ts';
import { Recent } from './recent.ts';

/** base64url characters of a part. */
const PART = 6;
/** A user agent beyond that is cut, for a validation may not say a longer one. */
const MAX_USER_AGENT = 512;
/** Sessions of which a process remembers what it has told. */
const REMEMBERED = 10_000;

/** Marks under a master secret. @example createClientMarks(secrets).of('s', { ip_address: '203.0.113.7' }) // 'k3yk3y.aB3dEf..' */
export const createClientMarks = (secrets: Secrets): ClientMarks => {
  const key = secrets.key('client-marks');
  const mark = (...of: readonly string[]): string => hmac(key, JSON.stringify(of)).toString('base64url').slice(0, PART);
  const name = mark('key');
  const network = (session: string, { ip_address }: MarkedClient): string => {
    const prefix = networkPrefix(ip_address);
    return prefix && mark('network', session, prefix);
  };
  const agent = (session: string, { user_agent }: MarkedClient): string =>
    user_agent ? mark('agent', session, user_agent.slice(0, MAX_USER_AGENT)) : '';
  const device = (session: string, { device_id }: MarkedClient): string =>
    device_id ? mark('device', session, device_id) : '';
  const differ = (held: string | undefined, said: string): boolean => Boolean(held && said) && held !== said;
  const told = new Recent<string, true>(REMEMBERED);

  return {
    of: (session, client) =>
      [name, network(session, client), agent(session, client), device(session, client)].join('.'),
    changes: ({ sid, cnx = '' }, client) => {
      const [under, ...held] = cnx.split('.');
      if (under !== name) return [];
      const moved = differ(held[0], network(sid, client));
      const other = differ(held[1], agent(sid, client)) || differ(held[2], device(sid, client));
      return [...(moved ? (['ip_changed'] as const) : []), ...(other ? (['device_changed'] as const) : [])];
    },
    news: (session, changes) =>
      changes.filter((change) => {
        const id = `${session} ${change}`;
        const isNew = !told.get(id);
        told.set(id, true);
        return isNew;
      }),
  };
};

export const clientMarks = adapter({
  port: 'clientMarks',
  needs: ['secrets'],
  open: ({ secrets }) => ({ port: createClientMarks(secrets) }),
});

/** Of a process that only verifies and has no secret of the platform: it can compare nothing, and says nothing. */
export const noClientMarks = adapter({
  port: 'clientMarks',
  open: () => ({ port: { of: () => '', changes: () => [], news: () => [] } }),
});
