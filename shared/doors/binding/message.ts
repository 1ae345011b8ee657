/** A request and its answer as all HTTP doors understand them. */

export interface HttpRequest {
  method: string;
  path: string;
  params: Record<string, string>;
  query: Record<string, string>;
  /** Lower-case names. */
  headers: Record<string, string | undefined>;
  /** The fields of the body, if there was any; null for one that is not looked at. */
  body?: unknown;
  ip?: string;
}

export interface HttpResponse {
  status: number;
  headers: Record<string, string>;
  body?: string;
  /** A page gets a page's security headers; data when left out. */
  kind?: 'data' | 'page';
  /** For the door's log line. */
  trace_id?: string;
}
