/** A unary call that goes the short way (thin.ts): its message, its deadline and its answer. */
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { type handleUnaryCall, status } from '@grpc/grpc-js';
import { MAX_MESSAGE } from '../../grpc/limits.ts';
import { Held } from '../fairness/held-bytes.ts';
import { CROWDED } from './strict.ts';
import { type Failed, faultOf, framed, PREFIX, tooLarge, trailersOf } from './thin-wire.ts';

export type UnaryHandler = handleUnaryCall<Buffer, Buffer>;

export const TYPE = 'application/grpc+proto';
const MOST = MAX_MESSAGE + PREFIX;
const NOTHING = Buffer.alloc(0);
const NONE: readonly string[] = Object.freeze([]);
const OK = { 'grpc-status': '0' };
const WITH_TRAILERS = { waitForTrailers: true };

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
    this.end(tooLarge(length));
    this.#drop();
  }

  #grow(): void {
    this.#held ??= new Held(this.#stream, () => {
      this.#size = Number.POSITIVE_INFINITY;
      this.#drop();
      this.end({ code: CROWDED.code, details: CROWDED.details });
    });
    this.#held.grow(this.#size);
  }

  #drop(): void {
    [this.#first, this.#more] = [undefined, undefined];
  }

  /** The request is whole. */
  run(): void {
    this.#held?.end();
    const bytes = (this.#more ? Buffer.concat(this.#more) : this.#first) ?? NOTHING;
    this.#drop();
    const fault = faultOf(bytes, this.#path);
    if (fault) this.end(fault);
    else {
      this.request = bytes.subarray(PREFIX);
      this.#handle(this as never, (failed, message) => this.end(failed as Failed | null, message));
    }
  }

  /** Answers, once. */
  end(failed: Failed | null, message?: Buffer | null): void {
    const stream = this.#stream;
    if (this.#done || stream.destroyed || stream.closed) return;
    this.#done = true;
    if (this.#timer) clearTimeout(this.#timer);
    const head = { ':status': 200, 'content-type': TYPE, ...this.#head };
    if (failed) {
      this.#trailers = trailersOf(failed);
      // what came of the operation goes after its headers, what never got there in one piece
      if (this.#answers) {
        stream.on('wantTrailers', trail);
        stream.respond(head, WITH_TRAILERS);
        stream.end();
      } else stream.respond({ ...head, ...this.#trailers }, { endStream: true });
    } else {
      stream.on('wantTrailers', trail);
      stream.respond(head, WITH_TRAILERS);
      stream.end(framed(message ?? NOTHING));
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

/** Takes a call from its stream to its handler. @param ms until its deadline */
export const takeCall = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  path: string,
  ms: number | undefined,
  handle: UnaryHandler,
): void => {
  (stream as Carrying)[CALL] = new ThinCall(stream, headers, path, ms, handle);
  stream.on('error', ignore).on('close', closed).on('data', received).on('end', ended);
};
