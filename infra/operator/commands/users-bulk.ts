/** `users import` and `users export`: rows from and to a file, or standard input and output. */
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import type { ImportAnswer } from '../../../functions/users/bulk-row.ts';
import { exportUsers } from '../../../functions/users/export-users.ts';
import { importUsers } from '../../../functions/users/import-users.ts';
import { USER_STATUSES } from '../../../functions/users/status.ts';
import { readRows } from '../../../shared/doors/binding/ndjson.ts';
import { callerOf } from '../calling.ts';
import { type Command, countOf } from '../command.ts';
import { plain } from '../output.ts';
import { Refusal, UsageError } from '../refusal.ts';

const ROW_BYTES = 16 * 1024;

/** A file's bytes, or standard input's. */
const open = async (path: string): Promise<Readable> => {
  if (path === '-') return process.stdin;
  const file = createReadStream(path);
  try {
    await once(file, 'open');
    return file;
  } catch (cause) {
    throw new Refusal(`${plain(path)} can't be read: ${(cause as NodeJS.ErrnoException).code}`);
  }
};

/** Lines of a file, for the bar; undefined for standard input, which is read once. */
const countRows = async (path: string): Promise<number | undefined> => {
  if (path === '-') return undefined;
  let lines = 0;
  for await (const chunk of await open(path)) for (const byte of chunk as Buffer) if (byte === 10) lines += 1;
  return lines;
};

const skipped = async function* (rows: AsyncIterable<unknown>, count: number, signal: AbortSignal) {
  let number = 0;
  for await (const row of rows) {
    if (signal.aborted) return;
    number += 1;
    if (number > count) yield row;
  }
};

const importing: Command = {
  name: 'users import',
  positionals: '<file|->',
  summary: 'Makes accounts of rows (NDJSON), with the password hashes of other systems.',
  details: [
    'A row: {"external_id":"7","email":"ada@example.org","password_hash":"$2b$…","first_name":"Ada",…}; the API documents all fields.',
    'A row with an external_id can come again: it is known then. Rows that failed are printed, each with its number.',
  ],
  options: {
    skip: { type: 'string', value: '<rows>', help: 'begin behind so many rows: what an import that was cut off says' },
  },
  run: async (operator, values, [path = '-']) => {
    const skip = countOf(values, 'skip') ?? 0;
    const total = await countRows(path);
    const rows = skipped(readRows(await open(path), ROW_BYTES), skip, operator.signal);
    const answers: AsyncIterable<ImportAnswer> = await callerOf(operator)(importUsers, { rows });
    const progress = operator.out.progress((total ?? 0) - skip, 'imported');
    const counts = { created: 0, exists: 0, failed: 0 };
    let last = skip;
    try {
      for await (const { row, status, ...answer } of answers) {
        last = skip + row;
        counts[status] += 1;
        progress.step();
        if (status !== 'failed') continue;
        const { code, errors: [first] = [] } = answer;
        const why = first ? `${first.path}: ${first.message}` : code!;
        operator.out.row({ ...answer, row: last, status }, `row ${last}  ${plain(why)}`);
      }
    } catch (thrown) {
      progress.end();
      operator.out.note(`it ended after row ${last}: go on with --skip ${last}`);
      throw thrown;
    }
    progress.end();
    const { created, exists, failed } = counts;
    operator.out.row({ rows: last, ...counts }, `${created} created, ${exists} known already, ${failed} failed`);
    if (!operator.signal.aborted) return failed ? 1 : 0;
    operator.out.note(`it ended after row ${last}: go on with --skip ${last}`);
    return 1;
  },
};

const exporting: Command = {
  name: 'users export',
  positionals: '[file|-]',
  summary: 'Writes all accounts as rows (NDJSON), oldest first, without passwords.',
  options: {
    status: { type: 'string', value: '<status>', help: `only those that are ${USER_STATUSES.join(', ')}` },
    after: { type: 'string', value: '<id>', help: 'go on behind the account of the last row that was written' },
  },
  run: async (operator, { status, after }, [path = '-']) => {
    if (status !== undefined && !USER_STATUSES.includes(status as never)) {
      throw new UsageError(`--status is one of ${USER_STATUSES.join(', ')}`);
    }
    const rows: AsyncIterable<{ id: string }> = await callerOf(operator)(exportUsers, { status, after });
    const out = path === '-' ? process.stdout : createWriteStream(path, { flags: after ? 'a' : 'w', mode: 0o600 });
    if (path !== '-') {
      await once(out, 'open').catch((cause) => {
        throw new Refusal(`${plain(path)} can't be written: ${cause.code}`);
      });
    }
    const progress = operator.out.progress(0, 'exported');
    let count = 0;
    let last = after as string | undefined;
    for await (const row of rows) {
      if (operator.signal.aborted) break;
      count += 1;
      last = row.id;
      progress.step();
      if (!out.write(`${JSON.stringify(row)}\n`))
        await Promise.race([once(out, 'drain'), once(operator.signal, 'abort')]);
    }
    progress.end();
    if (path !== '-') await new Promise<void>((resolve) => out.end(resolve));
    if (operator.signal.aborted) {
      operator.out.note(`it ended after ${count} accounts${last ? `: go on with --after ${last}` : ''}`);
      return 1;
    }
    if (path !== '-') operator.out.row({ exported: count, file: path }, `${count} accounts in ${plain(path)}`);
    return 0;
  },
};

export const bulkCommands: readonly Command[] = [importing, exporting];
