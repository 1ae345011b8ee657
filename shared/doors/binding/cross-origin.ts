/** What pages of other origins may send and read (Fetch, 3.2, "CORS protocol"). Tokens stand in headers: no cookies are let through. */
import { DEVICE_HEADER } from './device.ts';

/** The same at API Gateway and at a port of ours. */
export const CROSS_ORIGIN = {
  methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
  /** Of requests, besides those that every page may send. */
  headers: ['authorization', 'content-type', 'accept-language', 'traceparent', 'x-request-id', DEVICE_HEADER],
  /** Of answers, that a script may read. */
  exposed: ['x-request-id', 'retry-after', 'www-authenticate', DEVICE_HEADER],
  /** Seconds that a browser remembers it. */
  max_age: 600,
} as const;
