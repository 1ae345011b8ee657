/** Bytes ⇄ values of an operation: what both ends of a call agree on. */
import type { ErrorCode } from '../kit/errors.ts';

/** How an operation's input and output travel. */
export interface Codec {
  /** @throws AppError `invalid_request` for bytes that are no message */
  decode(request: Buffer): unknown;
  encode(output: any): Buffer;
  /** The answer that stands for this error, where there is one. */
  failure?(code: ErrorCode): Buffer | undefined;
}
