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
const MOST = MAX_MESSAGE + PREFIX;
const NOTHING = Buffer.alloc(0);
const NONE: readonly string[] = Object.freeze([]);
const OK = { 'grpc-status': '0' };
const WITH_TRAILERS = { waitForTrailers: true };
const tooLarge = (length: number): string => `Received message larger than max (${length} vs ${MAX_MESSAGE})`;
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

/** Header fields as metadata of grpc-js is read. */
class Fields {
  readonly #headers: IncomingHttpHeaders;

  constructor(headers: IncomingHttpHeaders) {
    this.#headers = headers;
  }

  get(name: string): readonly string[] {
    const value = this.#headers[name];
    return value === undefined ? NONE : typeof value === 'string' ? [value] : value;
  }
}

/**
 * One call: takes its message, and is what a handler sees of it, which is as much of grpc-js's as it uses.
 *
 * There is one object of it and no function of its own: what hangs on a stream outlives the call until the memory is collected.
 */
export class ThinCall {
  readonly metadata: Fields;
  readonly #stream: ServerHttp2Stream;
  readonly #path: string;
  readonly #handle: UnaryHandler;
  readonly #deadline: number;
  readonly #timer: NodeJS.Timeout | undefined;
  #head: Readonly<Record<string, string>> | undefined;
  #trailers: Readonly<Record<string, string>> = OK;
  /** Its handler began to answer. */
  #answers = false;
  #done = false;
  #first: Buffer | undefined;
  #more: Buffer[] | undefined;
  #size = 0;
  #held: Held | undefined;
  request: Buffer = NOTHING;
  cancelled = false;

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    path: string,
    ms: number | undefined,
    handle: UnaryHandler,
  ) {
    this.#stream = stream;
    this.#path = path;
    this.#handle = handle;
    this.metadata = new Fields(headers);
    this.#deadline = ms === undefined ? Number.POSITIVE_INFINITY : Date.now() + ms;
    // longer timers fire at once
    if (ms !== undefined) this.#timer = setTimeout(expire, Math.min(ms, 2 ** 31 - 1), this);
    (stream as Carrying)[CALL] = this;
    stream.on('error', ignore).on('close', closed).on('data', received).on('end', ended);
  }

  getPeer(): string {
    const { session } = this.#stream as { session?: Peered };
    if (!session) return 'unknown';
    if (session[PEER] === undefined) {
      const { remoteAddress, remotePort } = session.socket ?? {};
      session[PEER] = remoteAddress ? `${remoteAddress}:${remotePort}` : 'unknown';
    }
    return session[PEER];
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

  expire(): void {
    this.cancelled = true;
    this.end({ code: status.DEADLINE_EXCEEDED, details: 'Deadline exceeded' });
  }

  close(): void {
    if (this.#timer) clearTimeout(this.#timer);
    if (!this.#done) this.cancelled = true;
  }

  take(chunk: Buffer): void {
    if (this.#size > MOST) return;
    if (this.#first) {
      this.#more ??= [this.#first];
      this.#more.push(chunk);
    } else this.#first = chunk;
    this.#size += chunk.length;
    if (this.#size <= MOST) {
      // one frame has no more than what is not counted
      if (this.#more) this.#grow();
      return;
    }
    this.#held?.end();
    const length = (this.#more ? Buffer.concat(this.#more) : this.#first).readUInt32BE(1);
    this.#refuse(status.RESOURCE_EXHAUSTED, tooLarge(length));
    this.#drop();
  }

  #grow(): void {
    this.#held ??= new Held(this.#stream, () => {
      this.#size = Number.POSITIVE_INFINITY;
      this.#drop();
      this.#refuse(CROWDED.code, CROWDED.details);
    });
    this.#held.grow(this.#size);
  }

  #drop(): void {
    [this.#first, this.#more] = [undefined, undefined];
  }

  /** The request is whole. */
  run(): void {
    this.#held?.end();
    const bytes = this.#more ? Buffer.concat(this.#more) : this.#first;
    this.#drop();
    if (!bytes || bytes.length < PREFIX) return this.#refuse(status.UNIMPLEMENTED);
    const [flag] = bytes;
    if (flag! > 1) return this.#refuse(status.INTERNAL, 'A message begins with 0, or with 1 when it is compressed');
    const length = bytes.readUInt32BE(1);
    if (length > MAX_MESSAGE) return this.#refuse(status.RESOURCE_EXHAUSTED, tooLarge(length));
    if (bytes.length !== PREFIX + length) return this.#refuse(status.UNIMPLEMENTED);
    if (flag === 1) return this.#refuse(status.INTERNAL, 'A compressed message needs grpc-encoding');
    this.request = bytes.subarray(PREFIX);
    this.#handle(this as never, (failed, message) => this.end(failed as Failed | null, message));
  }

  #refuse(code: status, details = `${this.#path} takes exactly one message`): void {
    this.end({ code, details });
  }

  /** Answers, once. */
  end(failed: Failed | null, message?: Buffer | null): void {
    const stream = this.#stream;
    if (this.#done || stream.destroyed || stream.closed) return;
    this.#done = true;
    if (this.#timer) clearTimeout(this.#timer);
    const head = { ':status': 200, 'content-type': TYPE, ...this.#head };
    if (failed) {
      const details = failed.metadata?.get('grpc-status-details-bin')[0];
      this.#trailers = {
        'grpc-status': String(failed.code),
        'grpc-message': escaped(failed.details),
        ...(details && { 'grpc-status-details-bin': Buffer.from(details).toString('base64') }),
      };
      // what came of the operation goes after its headers, what never got there in one piece
      if (this.#answers) {
        stream.on('wantTrailers', trail);
        stream.respond(head, WITH_TRAILERS);
        stream.end();
      } else stream.respond({ ...head, ...this.#trailers }, { endStream: true });
    } else {
      const bytes = message ?? NOTHING;
      const frame = Buffer.allocUnsafe(PREFIX + bytes.length);
      frame[0] = 0;
      frame.writeUInt32BE(bytes.length, 1);
      frame.set(bytes, PREFIX);
      stream.on('wantTrailers', trail);
      stream.respond(head, WITH_TRAILERS);
      stream.end(frame);
    }
    // RFC 9113, 8.1: the rest of a request that decided nothing is not wanted
    if (!stream.readableEnded) {
      stream.resume();
      if (failed) stream.close(constants.NGHTTP2_NO_ERROR);
    }
  }

  trail(): void {
    this.#stream.sendTrailers(this.#trailers);
  }
}

const CALL = Symbol('call');
const PEER = Symbol('peer');
type Carrying = ServerHttp2Stream & { [CALL]?: ThinCall };
type Peered = NonNullable<ServerHttp2Stream['session']> & { [PEER]?: string };

const ignore = (): void => {};
const expire = (call: ThinCall): void => call.expire();
function closed(this: Carrying): void {
  this[CALL]!.close();
}
function received(this: Carrying, chunk: Buffer): void {
  this[CALL]!.take(chunk);
}
function ended(this: Carrying): void {
  this[CALL]!.run();
}
function trail(this: Carrying): void {
  this[CALL]!.trail();
}

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
    new ThinCall(stream, headers, path, ms, handle);
    return true;
  };
  made.emit = ((event: string | symbol, ...values: unknown[]) =>
    event === 'stream' && short(values[0] as ServerHttp2Stream, values[1] as IncomingHttpHeaders)
      ? true
      : emit(event, ...values)) as typeof made.emit;
};
