/** Which pages may call and open connections (RFC 6454, RFC 6455, 10.2): browsers say where a page comes from, other programs say nothing. */

const originOf = (url: string): string | undefined => {
  try {
    return new URL(url).origin;
  } catch {
    return undefined;
  }
};

const LOOPBACK = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

/** True for an address on a machine of one's own. */
export const isLoopback = (url: string): boolean => LOOPBACK.test(originOf(url) ?? '');

/**
 * Makes the judge of the header `Origin`: pages of the public address and of the origins that the operator lists; on a
 * machine of one's own, those of any of its ports.
 *
 * @example originRule('https://id.example', ['https://app.example'])('https://app.example') // true
 */
export const originRule = (publicUrl: string, listed: readonly string[]): ((origin: string | undefined) => boolean) => {
  const allowed = new Set([originOf(publicUrl), ...listed]);
  const local = isLoopback(publicUrl);
  return (origin) => origin === undefined || allowed.has(origin) || (local && LOOPBACK.test(origin));
};
