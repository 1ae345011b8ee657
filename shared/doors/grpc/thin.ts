/**
 * The short way of a unary call: from the HTTP/2 stream to its handler, past all that grpc-js does for calls of every kind,
 * which is most of what a call costs. A call that is anything but plain (compressed, encrypted, of an odd type or deadline)
 * goes the long way; connections, keepalive and the end of both are grpc-js's.
 *
 * grpc-js offers no way in for that; its version is pinned, and the tests of this door hold both ways to the same answers.
 */
import type { Http2Server, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Server } from '@grpc/grpc-js';
import { deadlineMs } from './strict.ts';
import { TYPE, takeCall, type UnaryHandler } from './thin-call.ts';

const PLAIN_TYPES: ReadonlySet<string> = new Set(['application/grpc', TYPE]);

/**
 * Lets calls of some methods go the short way.
 *
 * @param handlers by path
 * @param taken told of each call that went it
 */
export const thinly = (
  server: Server,
  made: Http2Server,
  handlers: ReadonlyMap<string, UnaryHandler>,
  taken: (stream: ServerHttp2Stream, path: string) => void,
): void => {
  const emit = made.emit.bind(made) as (event: string | symbol, ...values: unknown[]) => boolean;
  const opened = (server as unknown as { onStreamOpened(stream: ServerHttp2Stream): void }).onStreamOpened.bind(server);
  const short = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean => {
    const path = headers[':path']!;
    const handle = handlers.get(path);
    if (!handle || !PLAIN_TYPES.has(headers['content-type']!) || headers[':method'] !== 'POST') return false;
    const { 'grpc-encoding': encoding, 'grpc-timeout': timeout } = headers;
    if (encoding !== undefined && encoding !== 'identity') return false;
    const ms = timeout === undefined ? undefined : deadlineMs(String(timeout));
    if (Number.isNaN(ms) || ms === 0 || stream.session?.encrypted) return false;
    opened(stream);
    taken(stream, path);
    takeCall(stream, headers, path, ms, handle);
    return true;
  };
  made.emit = ((event: string | symbol, ...values: unknown[]) =>
    event === 'stream' && short(values[0] as ServerHttp2Stream, values[1] as IncomingHttpHeaders)
      ? true
      : emit(event, ...values)) as typeof made.emit;
};
