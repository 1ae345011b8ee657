/** Where a client is, by the headers of a content delivery network in front: believed from trusted proxies alone. Pure. */
import type { Place } from '../../ports/places.ts';
import { trustOf } from './client-ip.ts';

type Names = Readonly<Record<keyof Place, string>>;

/** The headers of each network that is known, by the value of `PERFECT21_PLACE_HEADERS`. */
export const PLACE_HEADERS = {
  cloudfront: {
    country: 'cloudfront-viewer-country',
    region: 'cloudfront-viewer-country-region',
    city: 'cloudfront-viewer-city',
    latitude: 'cloudfront-viewer-latitude',
    longitude: 'cloudfront-viewer-longitude',
  },
  cloudflare: {
    country: 'cf-ipcountry',
    region: 'cf-region-code',
    city: 'cf-ipcity',
    latitude: 'cf-iplatitude',
    longitude: 'cf-iplongitude',
  },
  vercel: {
    country: 'x-vercel-ip-country',
    region: 'x-vercel-ip-country-region',
    city: 'x-vercel-ip-city',
    latitude: 'x-vercel-ip-latitude',
    longitude: 'x-vercel-ip-longitude',
  },
} as const satisfies Record<string, Names>;
export type PlaceHeaders = keyof typeof PLACE_HEADERS;

const isName = (text: string): boolean => /^[\p{L}\p{M}\p{N} .,'’()/-]{1,100}$/u.test(text);

/** Names come percent-encoded, or as UTF-8 that was read byte by byte. */
const nameOf = (sent: string | undefined): string | undefined => {
  if (!sent || sent.length > 300) return undefined;
  try {
    const text = sent.includes('%') ? decodeURIComponent(sent) : Buffer.from(sent, 'latin1').toString('utf8');
    return isName(text) ? text : undefined;
  } catch {
    return undefined;
  }
};

const degrees = (sent: string | undefined, most: number): number | undefined => {
  const value = /^-?\d{1,3}(\.\d{1,10})?$/.test(sent ?? '') ? Number(sent) : Number.NaN;
  return Math.abs(value) <= most ? value : undefined;
};

/**
 * The place that a network says, as far as it can be one.
 *
 * @example placeOf('cloudflare', { 'cf-ipcountry': 'NZ' }) // { country: 'NZ' }
 */
export const placeOf = (
  network: PlaceHeaders,
  headers: Readonly<Record<string, string | undefined>>,
): Place | undefined => {
  const names = PLACE_HEADERS[network];
  const country = headers[names.country];
  const [latitude, longitude] = [degrees(headers[names.latitude], 90), degrees(headers[names.longitude], 180)];
  const place: Place = {
    // XX and T1 are none (Cloudflare)
    ...(country && /^[A-Z]{2}$/.test(country) && country !== 'XX' && { country }),
    ...(nameOf(headers[names.region]) && { region: nameOf(headers[names.region]) }),
    ...(nameOf(headers[names.city]) && { city: nameOf(headers[names.city]) }),
    ...(latitude !== undefined && longitude !== undefined && { latitude, longitude }),
  };
  return Object.keys(place).length ? place : undefined;
};

/** The same, for a process: only what a trusted proxy hands on is believed. @throws StartError for a proxy that is no address */
export const trustedPlace = (network: PlaceHeaders, trusted: readonly string[]) => {
  const trusts = trustOf(trusted);
  return (peer: string | undefined, headers: Readonly<Record<string, string | undefined>>): Place | undefined =>
    trusts(peer) ? placeOf(network, headers) : undefined;
};
