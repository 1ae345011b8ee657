/** The rows of a stream on their way into an operation and out of it. */
import { AppError } from './errors.ts';
import type { Operation } from './operation.ts';
import { parse } from './parse.ts';
import { type Row, RowFault, type Rows, type Stream } from './stream.ts';

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
      const error = named(number, thrown);
      if (!stream.faults) throw error;
      row = { number, error };
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
 * The rows that an operation gives, each as declared. Ending it ends the operation's iterable.
 *
 * @param declared makes of what was thrown what this operation may answer
 * @param begun told of the first row
 */
export async function* produce(
  op: Operation<any, any>,
  output: AsyncIterable<unknown>,
  { declared, begun }: { declared: (thrown: unknown) => AppError; begun: () => void },
): AsyncGenerator<unknown> {
  let number = 0;
  try {
    for await (const row of output) {
      number += 1;
      const checked = (op.output as Stream).row.safeParse(row);
      if (!checked.success) {
        throw new AppError('internal', { cause: new Error(`row ${number} of ${op.name}: ${checked.error.message}`) });
      }
      if (number === 1) begun();
      yield checked.data;
    }
  } catch (thrown) {
    throw declared(thrown);
  }
}
