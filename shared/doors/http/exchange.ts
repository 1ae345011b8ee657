import type { IncomingMessage, ServerResponse } from 'node:http';

/** One request and its answer, as the routes of the door see them. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  /** The parameters of the path, decoded. */
  params: Readonly<Record<string, string>>;
  /** The query string, without its question mark. */
  search: string;
}
