/** Which errors leave an operation: apart from rows, which functions go without. */
import { AppError, type ErrorCode, toAppError } from './errors.ts';
import type { Operation } from './operation.ts';

const UNIVERSAL: ReadonlySet<ErrorCode> = new Set([
  'invalid_request',
  'unauthenticated',
  'forbidden',
  'unavailable',
  'internal',
  'too_many_requests',
  'deadline_exceeded',
  // of the rows of a stream, while the operation takes them
  'cancelled',
  'payload_too_large',
  'request_timeout',
]);

/** What was thrown as what this operation may answer: `internal` for what it does not declare. */
export const declared = (op: Operation<any, any>, thrown: unknown): AppError => {
  const error = toAppError(thrown);
  return UNIVERSAL.has(error.code) || op.errors.includes(error.code)
    ? error
    : new AppError('internal', { cause: error });
};
