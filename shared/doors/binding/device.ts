/** How a device shows that it logged in before: by a cookie, or by a header where a client keeps no cookies. Pure. */

/** `__Host-`: over TLS (or on this machine), from this host and for all of it (RFC 6265bis, 4.1.3.2). */
export const DEVICE_COOKIE = '__Host-perfect21-device';
/** The same in a request and an answer, for clients without cookies. */
export const DEVICE_HEADER = 'x-device-token';
/** Seconds; longer than a token is good. Browsers keep no cookie for longer than 400 days. */
const MAX_AGE = 180 * 86_400;
const LONGEST = 512;

const COOKIE = new RegExp(`(?:^|;)\\s*${DEVICE_COOKIE}=([^;\\s]*)`);

/** The token that a request carries, for the context. @example deviceOf({ cookie: '__Host-perfect21-device=p21d_…' }) */
export const deviceOf = (headers: Readonly<Record<string, string | undefined>>): string | undefined => {
  const sent = headers[DEVICE_HEADER] ?? (headers.cookie && COOKIE.exec(headers.cookie)?.[1]);
  return sent && sent.length <= LONGEST ? sent : undefined;
};

/** The header fields that give a device its token. */
export const deviceFields = (token: string): Record<string, string> => ({
  'set-cookie': `${DEVICE_COOKIE}=${token}; Path=/; Max-Age=${MAX_AGE}; HttpOnly; Secure; SameSite=Lax`,
  [DEVICE_HEADER]: token,
});
