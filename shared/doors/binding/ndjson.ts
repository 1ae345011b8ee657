/** Newline-delimited JSON (`application/x-ndjson`): one value a line, read and written row by row. */
import { type AppError, toAppError, toProblem } from '../../kit/errors.ts';
import { NDJSON, RowFault, rowTooLong } from '../../kit/stream.ts';
import { decode, isType, parseJson } from './body.ts';

export const isNdjson = (contentType: string | undefined): boolean => isType(contentType, NDJSON);

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** A line that passed the limit. */
export const TOO_LONG = Symbol('too long');
export type Line = Buffer | typeof TOO_LONG;

/**
 * Cuts bytes into lines, wherever they were cut before. Keeps no more than one line, and of a line that passes the limit
 * nothing: it is told once, as soon as it is known. Ends of lines may be LF or CRLF; empty lines are passed over.
 *
 * @example new LineSplitter(10).push(Buffer.from('{}\r\n[1')) // [{}], and [1 is kept
 */
export class LineSplitter {
  readonly #limit: number;
  #kept: Buffer[] = [];
  #size = 0;
  #skipping = false;

  /** @param limit bytes of a line, its end not counted */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The lines that these bytes end. */
  push(chunk: Buffer): Line[] {
    const lines: Line[] = [];
    for (let from = 0; from < chunk.length; ) {
      const at = chunk.indexOf(NEWLINE, from);
      const end = at === -1 ? chunk.length : at;
      if (!this.#skipping) this.#keep(chunk.subarray(from, end), lines);
      if (at === -1) break;
      if (!this.#skipping) this.#finish(lines);
      this.#skipping = false;
      from = at + 1;
    }
    return lines;
  }

  /** What stands after the last end of a line. */
  end(): Line[] {
    const lines: Line[] = [];
    if (!this.#skipping) this.#finish(lines);
    return lines;
  }

  #keep(part: Buffer, lines: Line[]): void {
    this.#size += part.length;
    // one more may be the CR of the line's end
    if (this.#size > this.#limit + 1) {
      this.#skipping = true;
      this.#forget();
      lines.push(TOO_LONG);
    } else if (part.length) this.#kept.push(part);
  }

  #finish(lines: Line[]): void {
    const whole = this.#kept.length === 1 ? this.#kept[0]! : Buffer.concat(this.#kept);
    this.#forget();
    const line = whole.at(-1) === RETURN ? whole.subarray(0, -1) : whole;
    if (line.length > this.#limit) lines.push(TOO_LONG);
    else if (line.length) lines.push(line);
  }

  #forget(): void {
    this.#kept = [];
    this.#size = 0;
  }
}

const WHAT = 'The row';

const rowOf = (line: Line, limit: number): unknown => {
  if (line === TOO_LONG) return new RowFault(rowTooLong(limit));
  try {
    return parseJson(decode(line, WHAT), WHAT);
  } catch (thrown) {
    return new RowFault(toAppError(thrown));
  }
};

/** The rows of a body: values as JSON has them, and a `RowFault` for each line that can't be read. */
export async function* readRows(chunks: AsyncIterable<Buffer>, limit: number): AsyncGenerator<unknown> {
  const splitter = new LineSplitter(limit);
  for await (const chunk of chunks) for (const line of splitter.push(chunk)) yield rowOf(line, limit);
  for (const line of splitter.end()) yield rowOf(line, limit);
}

/**
 * The last line of an answer that failed after its first row: `{"problem":{…}}`, RFC 9457 with our `code`. The
 * connection (HTTP/1.1) or the stream (HTTP/2) is then broken off, so that nobody takes it for a row or the answer for
 * whole.
 */
export const problemLine = (error: AppError, requestId: string): string =>
  `${JSON.stringify({ problem: toProblem(error, requestId) })}\n`;
