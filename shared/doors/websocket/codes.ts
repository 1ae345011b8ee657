/** Close codes (RFC 6455, 7.4; those from 4000 on are ours and public). Pure. */
import type { AppError, ErrorCode } from '../../kit/errors.ts';

export const CLOSE = {
  normal: 1000,
  unsupported: 1003,
  not_text: 1007,
  refused: 1008,
  broken: 1011,
  restart: 1012,
  /** Too slow, too many, or it can't be known now: come back. */
  later: 1013,
  ended: 4401,
  ticket: 4403,
  silent: 4408,
  flood: 4429,
} as const;

const CODES: Partial<Record<ErrorCode, number>> = {
  invalid_request: CLOSE.refused,
  forbidden: CLOSE.refused,
  unauthenticated: CLOSE.ended,
  too_many_requests: CLOSE.later,
  unavailable: CLOSE.later,
  deadline_exceeded: CLOSE.later,
};

/** Bytes of a reason, in UTF-8. */
const LONGEST = 123;

/** The code and the reason for which an error ends a connection. @example closeOf(new AppError('unauthenticated')) // { code: 4401, … } */
export const closeOf = ({ code, detail, message }: AppError): { code: number; reason: string } => {
  const known = CODES[code];
  // what went wrong inside is for the log
  const reason = known ? (detail ?? message) : '';
  return {
    code: known ?? CLOSE.broken,
    reason: Buffer.from(reason)
      .subarray(0, LONGEST)
      .toString('utf8')
      .replace(/\ufffd$/, ''),
  };
};
