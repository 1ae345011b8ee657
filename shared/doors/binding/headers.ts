/** What every answer says to a browser (OWASP ASVS 5.0, 3.4), besides what the answer itself says. */

/** One year, as RFC 6797 counts. */
const HSTS = 'max-age=31536000; includeSubDomains';

/** An API answer is data: nothing of it runs, and nobody frames it. */
const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'";

/** A page of ours loads its own scripts, styles and pictures, talks to this origin, and is not framed. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
  "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

export interface SecurityHeaders {
  data: Readonly<Record<string, string>>;
  page: Readonly<Record<string, string>>;
}

/**
 * The headers of answers that are data and of those that are pages.
 *
 * @param secure true when callers reach us over TLS, here or at a proxy; RFC 6797 forbids HSTS otherwise
 */
export const securityHeaders = (secure: boolean): SecurityHeaders => {
  const common = {
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    ...(secure && { 'strict-transport-security': HSTS }),
  };
  return {
    data: { 'content-security-policy': DATA_POLICY, ...common },
    page: { 'content-security-policy': PAGE_POLICY, ...common },
  };
};
