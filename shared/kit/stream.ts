/** Inputs and outputs that come row by row: declared as `stream(Row)`, validated row by row, never held as a whole. */
import type * as z from 'zod';
import { AppError } from './errors.ts';

/** The media type of rows over HTTP: one JSON value a line. */
export const NDJSON = 'application/x-ndjson';
/** And where a binding has them as events: Server-Sent Events (WHATWG HTML, 9.2). */
export const EVENT_STREAM = 'text/event-stream';
/** Bytes of a row, as JSON or as a message, where a stream declares none. */
export const ROW_LIMIT = 64 * 1024;
/** Milliseconds in which at least one row has to move, either way. */
export const IDLE_MS = 30_000;

export interface StreamOptions<P extends z.ZodType | undefined, F extends boolean> {
  /** Bytes of a row: 64 KiB when left out. */
  limit?: number;
  /** Milliseconds without a row either way after which a stream is over, instead of one deadline: 30,000 when left out. */
  idle?: number;
  /** Of an input: what stands in path and query beside the rows. */
  parameters?: P;
  /** Of an input: true when a row that is not valid is told (`Row.error`) instead of ending the stream. */
  faults?: F;
}

/** A declared stream. Made by `stream`. */
export class Stream<R extends z.ZodType = z.ZodType, P extends z.ZodType | undefined = any, F extends boolean = any> {
  readonly row: R;
  readonly limit: number;
  readonly idle: number;
  readonly parameters: P;
  readonly faults: F;

  constructor(row: R, { limit = ROW_LIMIT, idle = IDLE_MS, parameters, faults }: StreamOptions<P, F>) {
    this.row = row;
    this.limit = limit;
    this.idle = idle;
    this.parameters = parameters as P;
    this.faults = (faults ?? false) as F;
  }
}

/**
 * Declares an input or an output that comes row by row.
 *
 * A row of the input that is not valid ends the stream with an error that names its number (the first is 1), or, with
 * `faults`, is told as such and costs itself only. A row of the output that breaks the schema is our fault.
 *
 * @example input: stream(NewUser, { faults: true }), output: stream(Outcome)
 */
export const stream = <
  R extends z.ZodType,
  P extends z.ZodType | undefined = undefined,
  const F extends boolean = false,
>(
  row: R,
  options: StreamOptions<P, F> = {},
): Stream<R, P, F> => new Stream(row, options);

export const isStream = (schema: unknown): schema is Stream => schema instanceof Stream;

/** A row of an input that declares `faults`: what it holds, or what is wrong with it. */
export type Row<T> =
  | { number: number; row: T; error?: undefined }
  | { number: number; row?: undefined; error: AppError };

/** An input or an output: as a whole, or row by row. */
export type Contract = z.ZodType | Stream<any, any, any>;

type ParametersOf<P> = P extends z.ZodType ? z.output<P> : undefined;

/** What `run` gets. */
export type Received<I extends Contract> =
  I extends Stream<infer R, infer P, infer F>
    ? AsyncIterable<F extends true ? Row<z.output<R>> : z.output<R>> & { readonly parameters: ParametersOf<P> }
    : I extends z.ZodType
      ? z.output<I>
      : never;

/** What `run` gives. */
export type Produced<O extends Contract> =
  O extends Stream<infer R, any, any> ? AsyncIterable<z.input<R>> : O extends z.ZodType ? z.input<O> : never;

/** What a caller sends. */
export type Sent<I extends Contract> =
  I extends Stream<infer R, infer P, any>
    ? Rows<z.input<R>> & (P extends z.ZodType ? { parameters: z.input<P> } : { parameters?: undefined })
    : I extends z.ZodType
      ? z.input<I>
      : never;

/** What a caller gets. */
export type Answer<O extends Contract> =
  O extends Stream<infer R, any, any> ? AsyncIterable<z.output<R>> : O extends z.ZodType ? z.output<O> : never;

/** The rows of an input on their way to an operation. A row that could not even be read stands there as a `RowFault`. */
export interface Rows<T = unknown> {
  rows: AsyncIterable<T | RowFault> | Iterable<T | RowFault>;
  parameters?: unknown;
  /** The number of the first row; 1 when left out. */
  first?: number;
}

/** A row that is not there because it could not be read. */
export class RowFault {
  readonly error: AppError;
  constructor(error: AppError) {
    this.error = error;
  }
}

/** Of a row that has more bytes than one may have. */
export const rowTooLong = (limit: number): AppError =>
  new AppError('payload_too_large', { detail: `The row has more than ${limit} bytes` });
