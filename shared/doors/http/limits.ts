/** How much a stranger may ask of a process before anybody knows who it is. Times are milliseconds, sizes bytes. */
export interface HttpLimits {
  /** Sockets open at once; more are closed at once. */
  connections: number;
  /** All header fields of a request together, its address included. */
  headers: number;
  /** The address of a request, its query included. */
  url: number;
  /** Until the last header byte; also until the first byte of a connection, and for a TLS handshake. */
  headers_ms: number;
  /** Until the last body byte. */
  request_ms: number;
  /** How long a connection may rest between requests. */
  idle_ms: number;
  /** How often late HTTP/1.1 requests are looked for. */
  sweep_ms: number;
  /** Requests at once on an HTTP/2 connection; fewer while there are many connections. */
  streams: number;
  /** Streams of an HTTP/2 connection that may end in a reset at once (`burst`), and per second after that. */
  resets: { burst: number; per_second: number };
  /** Until an answer is of no use any more: becomes the deadline of the call. */
  answer_ms: number;
  /** From here on an answer is slow and logged at level info. */
  slow_ms: number;
  /** What a readiness check may take. */
  ready_ms: number;
  /** What requests in flight get to finish at the stop. */
  drain_ms: number;
}

/** Room for the 10,000 open connections that the platform promises; a dripping client is gone within 40 seconds. */
export const HTTP_LIMITS: HttpLimits = {
  connections: 20_000,
  headers: 16_384,
  url: 8_192,
  headers_ms: 10_000,
  request_ms: 30_000,
  idle_ms: 65_000,
  sweep_ms: 2_000,
  streams: 100,
  resets: { burst: 200, per_second: 20 },
  answer_ms: 30_000,
  slow_ms: 1_000,
  ready_ms: 2_000,
  drain_ms: 10_000,
};
