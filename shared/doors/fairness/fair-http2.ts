/** Makes an HTTP/2 server fair: bounded streams and bytes, turns across connections, an end for connections that only reset. */
import type { Http2Server, ServerHttp2Stream } from 'node:http2';
import { brakeResets } from './reset-brake.ts';
import { shareBytes, shareStreams } from './share.ts';
import { turns } from './turns.ts';

export interface Fairness {
  /** Streams of a connection at once. */
  streams: number;
  /** Streams that may end in a reset at once, and per second after that. */
  resets: { burst: number; per_second: number };
}

/** As many small requests as are begun within about 25 ms, and as many as end in one turn when all connections do. */
const STREAMS_IN_ALL = 1_024;
/** Enough for a client that is told so, however many there are. */
const LEAST_STREAMS = 8;

/** What comes in one turn of the loop and is read in a few milliseconds. `most` is what each connection has from the protocol. */
const BYTES = { most: 65_535, in_all: 1024 * 1024, least: 16_384 };

const ignore = (): void => {};

/**
 * @param server before it has its first connection
 * @param settings those that it was made with
 */
export const makeFair = (server: Http2Server, settings: object, { streams, resets }: Fairness): void => {
  const emit = server.emit.bind(server) as (event: string | symbol, ...values: unknown[]) => boolean;
  const begin = (stream: ServerHttp2Stream, ...values: unknown[]): boolean => {
    // until its turn nobody else listens
    stream.on('error', ignore);
    turns.take(stream.session ?? stream, () => {
      if (stream.destroyed || stream.aborted) return;
      // an empty body ends whether or not somebody listens
      const { readableEnded } = stream;
      emit('stream', stream, ...values);
      if (readableEnded) process.nextTick(() => stream.emit('end'));
    });
    return true;
  };
  server.emit = ((event: string | symbol, ...values: unknown[]) =>
    event === 'stream'
      ? begin(...(values as [ServerHttp2Stream, ...unknown[]]))
      : emit(event, ...values)) as typeof server.emit;
  server.on('session', (session) => brakeResets(session, resets));
  shareStreams(server, settings, { most: streams, in_all: STREAMS_IN_ALL, least: LEAST_STREAMS });
  shareBytes(server, BYTES);
};
