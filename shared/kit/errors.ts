/**
 * The one table of errors. A code is stable and public; what caused it stays in the log.
 *
 * `http` is the status of RFC 9110, `grpc` the code of google.rpc.Code, `retry` says whether the same request may
 * succeed later (a queue redelivers it, a client may try again).
 */
export const ERRORS = {
  invalid_request: { http: 400, grpc: 3, retry: false, title: 'The request is not valid' },
  invalid_token: { http: 400, grpc: 3, retry: false, title: 'The token is unknown, used or expired' },
  password_refused: { http: 400, grpc: 3, retry: false, title: 'The password is not acceptable' },
  // of OAuth (RFC 6749, 5.2), by the names that it has for them
  invalid_grant: { http: 400, grpc: 3, retry: false, title: 'The grant is not valid' },
  invalid_scope: { http: 400, grpc: 3, retry: false, title: 'The scope is not granted' },
  unsupported_grant_type: { http: 400, grpc: 3, retry: false, title: 'The grant type is not offered' },
  invalid_client: { http: 401, grpc: 16, retry: false, title: 'The client is unknown or did not prove who it is' },
  unauthenticated: { http: 401, grpc: 16, retry: false, title: 'Credentials are missing or not valid' },
  invalid_credentials: { http: 401, grpc: 16, retry: false, title: 'Identifier or password is wrong' },
  invalid_refresh_token: { http: 401, grpc: 16, retry: false, title: 'The refresh token is not valid' },
  invalid_mfa_code: { http: 401, grpc: 16, retry: false, title: 'The code is wrong, too old or used' },
  invalid_mfa_token: { http: 401, grpc: 16, retry: false, title: 'Log in with the password again' },
  forbidden: { http: 403, grpc: 7, retry: false, title: 'The caller may not do this' },
  not_found: { http: 404, grpc: 5, retry: false, title: 'There is no such thing' },
  method_not_allowed: { http: 405, grpc: 12, retry: false, title: 'The method is not allowed here' },
  not_acceptable: { http: 406, grpc: 3, retry: false, title: 'No acceptable representation' },
  request_timeout: { http: 408, grpc: 4, retry: true, title: 'The request took too long to arrive' },
  conflict: { http: 409, grpc: 10, retry: true, title: 'The thing was changed meanwhile' },
  last_administrator: { http: 409, grpc: 9, retry: false, title: 'This is the last administrator' },
  already_exists: { http: 409, grpc: 6, retry: false, title: 'It exists already' },
  payload_too_large: { http: 413, grpc: 8, retry: false, title: 'The request is too large' },
  uri_too_long: { http: 414, grpc: 3, retry: false, title: 'The address is too long' },
  unsupported_media_type: { http: 415, grpc: 3, retry: false, title: 'The media type is not taken here' },
  upgrade_required: { http: 426, grpc: 9, retry: false, title: 'WebSocket connects here: send Upgrade: websocket' },
  too_many_requests: { http: 429, grpc: 8, retry: true, title: 'Too many requests' },
  headers_too_large: { http: 431, grpc: 8, retry: false, title: 'The header fields are too large' },
  cancelled: { http: 499, grpc: 1, retry: false, title: 'The caller went away' },
  internal: { http: 500, grpc: 13, retry: true, title: 'Something went wrong on our side' },
  unimplemented: { http: 501, grpc: 12, retry: false, title: 'This is not offered' },
  unavailable: { http: 503, grpc: 14, retry: true, title: 'A dependency is away' },
  deadline_exceeded: { http: 504, grpc: 4, retry: true, title: 'The deadline passed' },
} as const satisfies Record<string, { http: number; grpc: number; retry: boolean; title: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** Seconds after which what is away is asked again, where nobody knows better. */
const AGAIN_S = 1;

/** One thing wrong with a request: where (dotted path of the field) and what. */
export interface FieldError {
  path: string;
  message: string;
}

export interface ErrorDetails {
  detail?: string;
  errors?: FieldError[];
  /** Seconds after which a retry makes sense; becomes `Retry-After`. Of `unavailable` 1 when left out. */
  retry_after?: number;
  /** A token came that is not valid: `WWW-Authenticate` says so (RFC 6750, 3.1). */
  of_token?: boolean;
  /** Logged, never shown. */
  cause?: unknown;
}

/**
 * A failure that a caller may see.
 *
 * @example throw new AppError('not_found', { detail: 'No user has this id' });
 */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly errors: FieldError[] | undefined;
  readonly retryAfter: number | undefined;
  readonly ofToken: boolean | undefined;

  constructor(code: ErrorCode, details: ErrorDetails = {}) {
    // what a caller did wrong is nowhere in our code, and looking for the place costs more than all else of a refusal
    const { stackTraceLimit } = Error;
    if (ERRORS[code].http < 500) Error.stackTraceLimit = 0;
    super(details.detail ?? ERRORS[code].title, { cause: details.cause });
    Error.stackTraceLimit = stackTraceLimit;
    this.name = 'AppError';
    this.code = code;
    this.detail = details.detail;
    this.errors = details.errors;
    this.ofToken = details.of_token;
    this.retryAfter = details.retry_after ?? (code === 'unavailable' ? AGAIN_S : undefined);
  }
}

/** Anything thrown, as an error a caller may see: unknown ones become `internal` and keep their cause for the log. */
export const toAppError = (thrown: unknown): AppError =>
  thrown instanceof AppError ? thrown : new AppError('internal', { cause: thrown });

/** Characters of what an error tells in one sentence. */
const MOST_TOLD = 300;

/** An error in one sentence: what is particular about it, its first field, or what it is. */
export const toldOf = ({ code, detail, errors: [first] = [] }: AppError): string =>
  detail ?? (first ? [first.path, first.message].filter(Boolean).join(': ').slice(0, MOST_TOLD) : ERRORS[code].title);

/** RFC 9457 problem details with our `code`. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance?: string;
  code: ErrorCode;
  errors?: FieldError[];
}

/** Renders an error as an `application/problem+json` body (RFC 9457). `instance` is the request's id as a URN. */
export const toProblem = (error: AppError, requestId?: string): Problem => ({
  type: `urn:perfect21:error:${error.code}`,
  title: ERRORS[error.code].title,
  status: ERRORS[error.code].http,
  detail: toldOf(error),
  ...(requestId && { instance: `urn:perfect21:request:${requestId}` }),
  code: error.code,
  ...(error.errors && { errors: error.errors }),
});

/** Renders an error as what gRPC needs: a google.rpc.Code, a message, and field violations for google.rpc.BadRequest. */
export const toGrpcStatus = (error: AppError) => ({
  code: ERRORS[error.code].grpc,
  message: toldOf(error),
  reason: error.code,
  violations: error.errors ?? [],
});

/** Says what a queue does with a message whose handler failed so: bring it again, or park it. */
export const toBatchVerdict = (error: AppError): 'retry' | 'park' => (ERRORS[error.code].retry ? 'retry' : 'park');
