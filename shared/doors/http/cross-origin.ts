/** Pages of other origins (Fetch, "CORS protocol"): those that the operator lists may call, and read what is answered. */
import { CROSS_ORIGIN } from '../binding/cross-origin.ts';
import { isLoopback, originRule } from '../binding/origins.ts';
import type { Before } from './servers.ts';

const PREFLIGHT = {
  'access-control-allow-methods': CROSS_ORIGIN.methods.join(', '),
  'access-control-allow-headers': CROSS_ORIGIN.headers.join(', '),
  'access-control-max-age': String(CROSS_ORIGIN.max_age),
};
const EXPOSED = CROSS_ORIGIN.exposed.join(', ');

/**
 * Puts on an answer what lets a page read it, and takes preflights. Others are answered as if there were no such thing.
 *
 * @param pages.origins e.g. `https://app.example`; on a machine of one's own all of its ports may call besides
 * @returns nothing where no other page may call
 */
export const crossOrigin = (pages: { public_url: string; origins: readonly string[] }): Before | undefined => {
  const listed = pages.origins.length > 0;
  if (!listed && !isLoopback(pages.public_url)) return undefined;
  const allowed = originRule(pages.public_url, pages.origins);
  return (request, response) => {
    const { origin, 'access-control-request-method': asked } = request.headers;
    // a cache must not hand one page's answer to another (RFC 9110, 12.5.5)
    if (listed || origin) response.setHeader('vary', 'origin');
    if (origin === undefined || !allowed(origin)) return false;
    response.setHeader('access-control-allow-origin', origin);
    if (request.method !== 'OPTIONS' || asked === undefined) {
      response.setHeader('access-control-expose-headers', EXPOSED);
      return false;
    }
    response.writeHead(204, PREFLIGHT).end();
    return true;
  };
};
