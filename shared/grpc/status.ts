/** AppError ⇄ gRPC status with google.rpc details (https://google.aip.dev/193). Both ends of a call use these two functions. */
import { Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { BadRequest, ErrorInfo, RetryInfo, Status } from '../../proto/gen/google/rpc/status.ts';
import { AppError, ERRORS, type ErrorCode, toGrpcStatus } from '../kit/errors.ts';

const DETAILS = 'grpc-status-details-bin';
const DOMAIN = 'perfect21';
const TYPE = 'type.googleapis.com/google.rpc.';

type Encoder<T> = { encode(message: T): { finish(): Uint8Array } };
const any = <T>(name: string, codec: Encoder<T>, message: T) => ({
  type_url: TYPE + name,
  value: Buffer.from(codec.encode(message).finish()),
});

/**
 * Renders an error as the status that a handler answers with.
 *
 * @param stage set when the door refused the call before its operation was reached
 */
export const toStatus = (error: AppError, stage?: 'credentials'): StatusObject => {
  const { code, message, reason, violations } = toGrpcStatus(error);
  // a lone surrogate has no form in `grpc-message`, and grpc-js throws when it meets one
  const details = message.toWellFormed();
  const metadata = new Metadata();
  const rich = Status.encode({
    code,
    message: details,
    details: [
      any('ErrorInfo', ErrorInfo, { reason, domain: DOMAIN, metadata: stage ? { stage } : {} }),
      ...(violations.length > 0
        ? [
            any('BadRequest', BadRequest, {
              field_violations: violations.map(({ path, message: description }) => ({
                field: path.toWellFormed(),
                description: description.toWellFormed(),
              })),
            }),
          ]
        : []),
      ...(error.retryAfter === undefined
        ? []
        : [any('RetryInfo', RetryInfo, { retry_delay: { seconds: Math.ceil(error.retryAfter), nanos: 0 } })]),
    ],
  });
  metadata.set(DETAILS, Buffer.from(rich.finish()));
  return { code, details, metadata };
};

/** A status that no service of ours made: the cause of the error that it becomes. */
export class ForeignStatus extends Error {
  readonly status: number | undefined;

  constructor({ code, details }: Partial<StatusObject>) {
    super(`gRPC status ${code}: ${details}`);
    this.status = code;
  }

  /** Whether it tells of a connection or a peer that is broken, rather than of the request. */
  get broken(): boolean {
    return BROKEN.has(this.status);
  }
}

/** What grpc-js makes of frames, resets, pages and `too_many_pings`. */
const BROKEN: ReadonlySet<number | undefined> = new Set([
  status.UNKNOWN,
  status.INTERNAL,
  status.RESOURCE_EXHAUSTED,
  status.UNAVAILABLE,
]);

/** Statuses that no operation of ours made: the transport's, or another server's. */
const OF_STATUS: Partial<Record<status, ErrorCode>> = {
  [status.UNAVAILABLE]: 'unavailable',
  [status.CANCELLED]: 'unavailable',
  [status.DEADLINE_EXCEEDED]: 'deadline_exceeded',
};

const richStatus = (metadata: Metadata | undefined): Status | undefined => {
  const bytes = metadata?.get(DETAILS)[0];
  if (!Buffer.isBuffer(bytes)) return undefined;
  try {
    return Status.decode(bytes);
  } catch {
    return undefined;
  }
};

/**
 * Reads a failed call as the error that its operation threw, with field errors and `retry_after`.
 *
 * A status without our ErrorInfo becomes `unavailable`, `deadline_exceeded` or `internal`; so does a refusal of our own
 * credentials, which is no fault of whoever called us.
 */
export const fromStatus = (failed: Partial<StatusObject>): AppError => {
  const parts = new Map(richStatus(failed.metadata)?.details?.map(({ type_url, value }) => [type_url, value]));
  const read = <T>(name: string, codec: { decode(bytes: Uint8Array): T }): T | undefined => {
    const bytes = parts.get(TYPE + name);
    return bytes && codec.decode(bytes);
  };
  const info = read('ErrorInfo', ErrorInfo);
  if (info?.domain !== DOMAIN || !Object.hasOwn(ERRORS, info.reason!)) {
    return new AppError(OF_STATUS[failed.code!] ?? 'internal', { cause: new ForeignStatus(failed) });
  }
  const cause = new Error(`gRPC status ${failed.code}: ${failed.details}`);
  const code = info.reason as ErrorCode;
  if (info.metadata?.stage === 'credentials' && (code === 'unauthenticated' || code === 'forbidden')) {
    return new AppError('internal', { cause });
  }
  const violations = read('BadRequest', BadRequest)?.field_violations;
  return new AppError(code, {
    detail: failed.details === ERRORS[code].title ? undefined : failed.details,
    errors: violations?.map(({ field, description }) => ({ path: field ?? '', message: description ?? '' })),
    retry_after: read('RetryInfo', RetryInfo)?.retry_delay?.seconds,
    cause,
  });
};
