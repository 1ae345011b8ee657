/** A request and its answer as all HTTP doors understand them. */
import type { Place } from '../../ports/places.ts';

export interface HttpRequest {
  method: string;
  path: string;
  params: Record<string, string>;
  query: Record<string, string>;
  /** Lower-case names. */
  headers: Record<string, string | undefined>;
  /** The fields of the body, if there was any; null for one that is not looked at. */
  body?: unknown;
  /** The rows of a body that is a stream, in place of it. */
  rows?: AsyncIterable<unknown>;
  /** Of a stream: aborted when the caller went away. */
  signal?: AbortSignal;
  ip?: string;
  /** Where the client is, as a trusted network in front says. */
  place?: () => Place | undefined;
}

export interface HttpResponse {
  status: number;
  headers: Record<string, string>;
  body?: string;
  /** The rows of a stream, in place of a body. */
  rows?: AsyncIterable<unknown>;
  /** A page gets a page's security headers; data when left out. */
  kind?: 'data' | 'page';
  /** For the door's log line. */
  trace_id?: string;
  /** That the trace is recorded, so that a measure may point to it. */
  traced?: boolean;
}
