/** Rows of an object, a piece at a time, wherever it was cut before. */
import type { Objects } from '../../aws/objects.ts';
import { AppError } from '../../kit/errors.ts';
import { RowFault, rowTooLong } from '../../kit/stream.ts';
import { readRows } from '../binding/ndjson.ts';
import type { Job } from './bulk-job.ts';

const NEWLINE = 0x0a;

export interface Window {
  rows: unknown[];
  /** Where the next one begins. */
  offset: number;
  /** The next one begins within a line that was too long. */
  skipping: boolean;
  /** This was the last one. */
  ended: boolean;
}

/**
 * The whole lines of the next `bytes` of an object.
 *
 * @throws AppError `not_found` for an object that is not there any more
 */
export const windowOf = async (
  objects: Objects,
  key: string,
  { offset, skipping = false }: Pick<Job, 'offset' | 'skipping'>,
  { bytes, limit }: { bytes: number; limit: number },
): Promise<Window> => {
  const found = await objects.get(key, { from: offset, length: bytes });
  if (!found) throw new AppError('not_found', { detail: 'The rows are gone' });
  const { body, size } = found;
  const ended = offset + body.length >= size;
  const from = skipping ? body.indexOf(NEWLINE) + 1 : 0;
  const rest = skipping && from === 0;
  const to = ended ? body.length : body.lastIndexOf(NEWLINE) + 1;
  if (rest || (to <= from && !ended && !skipping)) {
    // no line ends here: the first such piece is told as a row, and what follows belongs to it
    return {
      rows: rest ? [] : [new RowFault(rowTooLong(limit))],
      offset: offset + body.length,
      skipping: !ended,
      ended,
    };
  }
  const rows: unknown[] = [];
  const chunks = (async function* () {
    yield body.subarray(from, Math.max(from, to));
  })();
  for await (const row of readRows(chunks, limit)) rows.push(row);
  return { rows, offset: offset + Math.max(from, to), skipping: false, ended };
};
