/**
 * Where grpc-js takes what the protocol forbids: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md.
 *
 * It offers no way in for that, so methods of its calls are replaced; its version is pinned, and
 * test/doors/grpc/strict.test.ts fails when one is not there any more.
 */
import type { ServerHttp2Stream } from 'node:http2';
import { status } from '@grpc/grpc-js';
import { BaseServerInterceptingCall } from '@grpc/grpc-js/build/src/server-interceptors.js';
import { Held } from '../fairness/held-bytes.ts';

interface Failed {
  code: status;
  details: string;
  metadata?: null;
}
/** What is replaced, and what that uses. */
interface Within {
  handler: { type: string; path: string };
  stream: ServerHttp2Stream;
  /** Of the message that comes: its length as it was announced, and what is missing of it. */
  decoder: { readMessageSize: number; readMessageRemaining: number };
  handleDataFrame(data: Buffer): void;
  deadline: number;
  deadlineTimer: NodeJS.Timeout;
  decompressMessage(message: Buffer, encoding: string): Buffer | Promise<Buffer>;
  handleTimeoutHeader(header: string): void;
  sendStatus(failed: Failed): void;
}

const TIMEOUT = /^(\d{1,8})([HMSmun])$/;
const MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 0.001, n: 0.000_001 };
/** Longer timers fire at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** Ms of a `grpc-timeout`; NaN for what is none. */
export const deadlineMs = (header: string): number => {
  const [, amount, unit] = TIMEOUT.exec(header) ?? [];
  return amount ? Math.ceil(Number(amount) * MS[unit!]!) : Number.NaN;
};

const refused = (details: string): Failed => ({ code: status.INTERNAL, details, metadata: null });
const LATE: Failed = { code: status.DEADLINE_EXCEEDED, details: 'Deadline exceeded', metadata: null };

/** Others hold so much that there is no room for more; a client may try again. */
export const CROWDED: Failed & { code: status } = {
  code: status.UNAVAILABLE,
  details: 'Too many large messages come at once',
  metadata: null,
};

let strict = false;
/** Makes all servers of grpc-js in this process strict. */
export const beStrict = (): void => {
  if (strict) return;
  strict = true;
  const within = BaseServerInterceptingCall.prototype as unknown as Within;
  const { decompressMessage, handleDataFrame, sendStatus } = within;
  const holding = new WeakMap<Within, Held>();

  within.handleDataFrame = function (this: Within, data) {
    handleDataFrame.call(this, data);
    const { readMessageSize, readMessageRemaining } = this.decoder;
    const size = readMessageRemaining > 0 ? readMessageSize - readMessageRemaining : 0;
    let held = holding.get(this);
    if (!held) {
      if (size === 0) return;
      held = new Held(this.stream, () => this.sendStatus(CROWDED));
      holding.set(this, held);
    }
    if (size === 0) held.end();
    else held.grow(size);
  };

  within.decompressMessage = function (this: Within, message, encoding) {
    const [flag] = message;
    if (flag! > 1) return Promise.reject(refused('A message begins with 0, or with 1 when it is compressed'));
    // grpc-js calls the encoding identity of a message that is not compressed, and of one whose call names none
    if (flag === 1 && encoding === 'identity')
      return Promise.reject(refused('A compressed message needs grpc-encoding'));
    return decompressMessage.call(this, message, encoding);
  };

  within.handleTimeoutHeader = function (this: Within, header) {
    const ms = deadlineMs(header);
    // the call is not made yet
    const soon = (failed: Failed): void => process.nextTick(() => this.sendStatus(failed));
    if (Number.isNaN(ms)) return soon(refused('grpc-timeout is up to eight digits and a unit'));
    this.deadline = Date.now() + ms;
    if (ms === 0) return soon(LATE);
    this.deadlineTimer = setTimeout(() => this.sendStatus(LATE), Math.min(ms, LONGEST_MS));
  };

  within.sendStatus = function (this: Within, failed) {
    const { type, path } = this.handler;
    const wrong =
      failed.code === status.UNIMPLEMENTED && type === 'unary' && failed.details.includes('server streaming');
    sendStatus.call(this, wrong ? { ...failed, details: `${path} takes exactly one message` } : failed);
  };
};
