/** The rows of a stream on their way into an operation and out of it. */
import { declared } from './declared.ts';
import { AppError } from './errors.ts';
import type { Operation } from './operation.ts';
import { parse } from './parse.ts';
import { type Row, RowFault, type Rows, type Stream } from './stream.ts';
import { type Failure, isTold, iterate, type Taker, type ToldRows } from './told-rows.ts';

const named = (number: number, { code, detail, errors }: AppError): AppError =>
  new AppError(code, {
    detail: `Row ${number}: ${detail ?? 'is not valid'}`,
    ...(errors && {
      errors: errors.map(({ path, message }) => ({ path: path ? `${number}.${path}` : `${number}`, message })),
    }),
  });

const read = (stream: Stream, value: unknown): unknown => {
  if (value instanceof RowFault) throw value.error;
  return parse(stream.row, value);
};

async function* validated(stream: Stream, { rows, first = 1 }: Rows): AsyncGenerator<unknown> {
  let number = first - 1;
  for await (const value of rows) {
    number += 1;
    let row: Row<unknown>;
    try {
      row = { number, row: read(stream, value) };
    } catch (thrown) {
      if (!(thrown instanceof AppError)) throw thrown;
      // who is given faults is given their number beside them
      if (!stream.faults) throw named(number, thrown);
      row = { number, error: thrown };
    }
    yield stream.faults ? row : row.row;
  }
}

/** The input of an operation that takes a stream. @throws AppError `invalid_request` for parameters that are not valid */
export const receive = (stream: Stream, input: unknown): AsyncGenerator<unknown> & { parameters: unknown } => {
  const { parameters } = input as Rows;
  const read = stream.parameters ? parse(stream.parameters, parameters ?? {}) : undefined;
  return Object.assign(validated(stream, input as Rows), { parameters: read });
};

/**
 * The rows that an operation gives, each as declared. Ending it ends the operation's.
 *
 * @param begun told of the first row
 */
export const produce = (op: Operation<any, any>, output: AsyncIterable<unknown>, begun: () => void) =>
  isTold(output) ? new Produced(op, output, begun) : produced(op, output, begun);

/** @throws AppError `internal` for a row that is not as declared */
const checked = ({ name, output }: Operation<any, any>, row: unknown, number: number): unknown => {
  const read = (output as Stream).row.safeParse(row);
  if (read.success) return read.data;
  throw new AppError('internal', { cause: new Error(`row ${number} of ${name}: ${read.error.message}`) });
};

async function* produced(
  op: Operation<any, any>,
  output: AsyncIterable<unknown>,
  begun: () => void,
): AsyncGenerator<unknown> {
  let number = 0;
  try {
    for await (const row of output) {
      number += 1;
      const read = checked(op, row, number);
      if (number === 1) begun();
      yield read;
    }
  } catch (thrown) {
    throw declared(op, thrown);
  }
}

class Produced implements ToldRows<unknown>, Taker<unknown> {
  readonly #op: Operation<any, any>;
  readonly #rows: ToldRows<unknown>;
  #taker: Taker<unknown> | undefined;
  #begun: (() => void) | undefined;
  #number = 0;

  constructor(op: Operation<any, any>, rows: ToldRows<unknown>, begun: () => void) {
    this.#op = op;
    this.#rows = rows;
    this.#begun = begun;
  }

  each(taker: Taker<unknown>): void {
    this.#taker = taker;
    this.#rows.each(this);
  }

  take(row: unknown): void | Promise<void> {
    this.#number += 1;
    const read = checked(this.#op, row, this.#number);
    this.#begun?.();
    this.#begun = undefined;
    return this.#taker!.take(read);
  }

  over(failure?: Failure): void {
    this.#taker!.over(failure && { thrown: declared(this.#op, failure.thrown) });
  }

  close(): void {
    this.#rows.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<unknown> {
    return iterate(this);
  }
}
