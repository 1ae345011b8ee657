/** The HTTP door as its routes see it. */
import type { IncomingMessage } from 'node:http';
import type { Host } from '../../kit/invoke.ts';
import type { Place } from '../../ports/places.ts';
import type { Life } from '../binding/life.ts';
import type { Exchange } from './exchange.ts';
import type { HttpLimits } from './limits.ts';
import type { Endpoint, Report } from './observation.ts';
import type { Reply } from './reply.ts';

/** What all routes of a door share. */
export interface Door {
  host: Host;
  limits: HttpLimits;
  /** Streams that go on for as long as somebody listens: a stop ends them. */
  listening: Set<Life>;
  ipOf(peer: string | undefined, forwardedFor?: string): string | undefined;
  /** Where a client is, when the peer is a trusted proxy; absent where no network in front says so. */
  placeOf?:
    | ((peer: string | undefined, headers: Readonly<Record<string, string | undefined>>) => Place | undefined)
    | undefined;
  /** The connection of a request counts for this service now. */
  asks(request: IncomingMessage, service: string): void;
  reportOf(endpoint: Endpoint): Report;
  /** Writes an answer with the security headers of data, or of a page. */
  send(exchange: Exchange, answer: Reply, kind?: 'data' | 'page'): void;
  /** Writes the head of an answer whose body follows. */
  begin(exchange: Exchange, answer: Reply): void;
}
