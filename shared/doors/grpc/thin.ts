/**
 * The short way of a unary call: from the HTTP/2 stream to its handler, past all that grpc-js does for calls of every kind,
 * which is most of what a call costs. A call that is anything but plain (compressed, encrypted, of an odd type or deadline)
 * goes the long way; connections, keepalive and the end of both are grpc-js's.
 *
 * grpc-js offers no way in for that; its version is pinned, and the tests of this door hold both ways to the same answers.
 */
import { constants, type Http2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { type handleUnaryCall, type Metadata, type Server, status } from '@grpc/grpc-js';
import { MAX_MESSAGE } from '../../grpc/limits.ts';
import type { toStatus } from '../../grpc/status.ts';
import { Held } from '../fairness/held-bytes.ts';
import { CROWDED, deadlineMs } from './strict.ts';

export type UnaryHandler = handleUnaryCall<Buffer, Buffer>;
type Failed = ReturnType<typeof toStatus> | { code: status; details: string; metadata?: Metadata };

const PREFIX = 5;
const TYPE = 'application/grpc+proto';
const OK = { 'grpc-status': '0' };
const PLAIN_TYPES: ReadonlySet<string> = new Set(['application/grpc', TYPE]);

/** Of `grpc-message` only what is no visible ASCII, and `%` itself. */
const escaped = (text: string): string => {
  if (/^[\x20-\x24\x26-\x7e]*$/.test(text)) return text;
  let out = '';
  for (const byte of Buffer.from(text)) {
    out +=
      byte < 0x20 || byte > 0x7e || byte === 0x25
        ? `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
        : String.fromCharCode(byte);
  }
  return out;
};

/** What a handler sees of a call: as much of grpc-js's as it uses. */
export class ThinCall {
  readonly metadata: { get(name: string): string[] };
  readonly #stream: ServerHttp2Stream;
  readonly #path: string;
  readonly #deadline: number;
  readonly #timer: NodeJS.Timeout | undefined;
  #head: Readonly<Record<string, string>> = {};
  /** Its handler began to answer. */
  #answers = false;
  #done = false;
  request: Buffer = Buffer.alloc(0);
  cancelled = false;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, path: string, ms: number | undefined) {
    this.#stream = stream;
    this.#path = path;
    this.metadata = {
      get: (name) => {
        const value = headers[name];
        return value === undefined ? [] : Array.isArray(value) ? value : [value];
      },
    };
    this.#deadline = ms === undefined ? Number.POSITIVE_INFINITY : Date.now() + ms;
    // longer timers fire at once
    if (ms !== undefined) {
      this.#timer = setTimeout(() => this.#expire(), Math.min(ms, 2 ** 31 - 1));
    }
    stream.on('error', () => {});
    stream.once('close', () => {
      clearTimeout(this.#timer);
      if (!this.#done) this.cancelled = true;
    });
  }

  getPeer(): string {
    const { remoteAddress, remotePort } = this.#stream.session?.socket ?? {};
    return remoteAddress ? `${remoteAddress}:${remotePort}` : 'unknown';
  }

  getDeadline(): number {
    return this.#deadline;
  }

  getAuthContext(): object {
    return {};
  }

  /** As `sendMetadata` of grpc-js, of fields that are known to be fit for a header. */
  begin(fields: Readonly<Record<string, string>>): void {
    this.#head = fields;
    this.#answers = true;
  }

  #expire(): void {
    this.cancelled = true;
    this.end({ code: status.DEADLINE_EXCEEDED, details: 'Deadline exceeded' });
  }

  refuse(code: status, details = `${this.#path} takes exactly one message`): void {
    this.end({ code, details });
  }

  /** Answers, once. */
  end(failed: Failed | null, message?: Buffer | null): void {
    const stream = this.#stream;
    if (this.#done || stream.destroyed || stream.closed) return;
    this.#done = true;
    clearTimeout(this.#timer);
    const head = { ':status': 200, 'content-type': TYPE, ...this.#head };
    if (failed) {
      const details = failed.metadata?.get('grpc-status-details-bin')[0];
      const trailers = {
        'grpc-status': String(failed.code),
        'grpc-message': escaped(failed.details),
        ...(details && { 'grpc-status-details-bin': Buffer.from(details).toString('base64') }),
      };
      // what came of the operation goes after its headers, what never got there in one piece
      if (this.#answers) {
        stream.once('wantTrailers', () => stream.sendTrailers(trailers));
        stream.respond(head, { waitForTrailers: true });
        stream.end();
      } else stream.respond({ ...head, ...trailers }, { endStream: true });
    } else {
      const bytes = message ?? Buffer.alloc(0);
      const frame = Buffer.allocUnsafe(PREFIX + bytes.length);
      frame[0] = 0;
      frame.writeUInt32BE(bytes.length, 1);
      frame.set(bytes, PREFIX);
      stream.once('wantTrailers', () => stream.sendTrailers(OK));
      stream.respond(head, { waitForTrailers: true });
      stream.end(frame);
    }
    // RFC 9113, 8.1: the rest of a request that decided nothing is not wanted
    if (!stream.readableEnded) {
      stream.resume();
      if (failed) stream.close(constants.NGHTTP2_NO_ERROR);
    }
  }
}

const take = (stream: ServerHttp2Stream, call: ThinCall, handle: UnaryHandler): void => {
  let first: Buffer | undefined;
  let more: Buffer[] | undefined;
  let size = 0;
  const held = new Held(stream, () => {
    size = Number.POSITIVE_INFINITY;
    [first, more] = [undefined, undefined];
    call.refuse(CROWDED.code, CROWDED.details);
  });
  stream.on('data', (chunk: Buffer) => {
    if (size > MAX_MESSAGE + PREFIX) return;
    if (first) {
      more ??= [first];
      more.push(chunk);
    } else first = chunk;
    size += chunk.length;
    if (size <= MAX_MESSAGE + PREFIX) return held.grow(size);
    held.end();
    const length = (more ? Buffer.concat(more) : first).readUInt32BE(1);
    call.refuse(status.RESOURCE_EXHAUSTED, `Received message larger than max (${length} vs ${MAX_MESSAGE})`);
    [first, more] = [undefined, undefined];
  });
  stream.on('end', () => {
    held.end();
    const bytes = more ? Buffer.concat(more) : first;
    if (!bytes || bytes.length < PREFIX) return call.refuse(status.UNIMPLEMENTED);
    const [flag] = bytes;
    if (flag! > 1) return call.refuse(status.INTERNAL, 'A message begins with 0, or with 1 when it is compressed');
    const length = bytes.readUInt32BE(1);
    if (length > MAX_MESSAGE)
      return call.refuse(status.RESOURCE_EXHAUSTED, `Received message larger than max (${length} vs ${MAX_MESSAGE})`);
    if (bytes.length !== PREFIX + length) return call.refuse(status.UNIMPLEMENTED);
    if (flag === 1) return call.refuse(status.INTERNAL, 'A compressed message needs grpc-encoding');
    call.request = bytes.subarray(PREFIX);
    handle(call as never, ((failed: Failed | null, message?: Buffer | null) => call.end(failed, message)) as never);
  });
};

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
    take(stream, new ThinCall(stream, headers, path, ms), handle);
    return true;
  };
  made.emit = ((event: string | symbol, ...values: unknown[]) =>
    event === 'stream' && short(values[0] as ServerHttp2Stream, values[1] as IncomingHttpHeaders)
      ? true
      : emit(event, ...values)) as typeof made.emit;
};
