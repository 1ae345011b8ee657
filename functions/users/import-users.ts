import { ahead, batches } from '../../shared/kit/batches.ts';
import { operation } from '../../shared/kit/operation.ts';
import { type Row, stream } from '../../shared/kit/stream.ts';
import { ImportAnswer, ImportRow } from './bulk-row.ts';
import { IMPORT_EVENTS, KEPT, type Outcome } from './import-keys.ts';
import { importRows } from './import-rows.ts';
import { USER_STATUSES } from './status.ts';

/** Rows that are looked at and committed together: three keys of each are what a store reads at once, and their commits share a flush. */
const AT_ONCE = 320;
/** While one waits for the disk or the way there, the next is worked on. */
const BATCHES = 3;

/**
 * Makes accounts of rows as they come, with the password hashes of other systems, and answers each row in order. A row that is
 * broken costs itself only. After a cut send again what was not answered, or all of it: a row with an `external_id` is known.
 *
 * An account that only waits for the same address to be proved gives way to a row that says that it is. Nobody is written to, and
 * no event is told but of that one's end. A hash of another system is replaced by one of ours at the first login.
 */
export const importUsers = operation({
  name: 'users.import-users',
  summary: 'Imports users row by row',
  http: { method: 'POST', path: '/api/v1/users/import' },
  rpc: {
    method: 'perfect21.user.UserBulkService/ImportUsers',
    request: ({ status, profile, ...row }) => ({
      ...Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined && value !== '')),
      ...(status !== undefined && { status: USER_STATUSES[status] as never }),
      ...(profile && Object.keys(profile).length > 0 && { profile }),
    }),
    response: ({ row, status, external_id = '', user_id = '', code = '', errors = [] }) => ({
      ...{ row, result: status, external_id, user_id, code, errors },
    }),
  },
  access: 'users:admin',
  input: stream(ImportRow, { faults: true, limit: 16 * 1024 }),
  output: stream(ImportAnswer),
  elsewhere: { object: 'rows' },
  emits: IMPORT_EVENTS,
  reads: KEPT,
  writes: KEPT,
  needs: ['clock', 'ids', 'passwords', 'settings'],
  run: async function* ({ store, ...given }, input) {
    const answered = async (rows: readonly Row<ImportRow>[]): Promise<ImportAnswer[]> => {
      const outcomes = (
        await importRows(
          store,
          given,
          rows.flatMap(({ row }) => (row ? [row] : [])),
        )
      ).values();
      return rows.map((row) => answerTo(row, () => outcomes.next().value!));
    };
    for await (const answers of ahead(batches(input, AT_ONCE), answered, BATCHES)) yield* answers;
  },
});

const answerTo = ({ number, row, error }: Row<ImportRow>, outcomeOf: () => Outcome): ImportAnswer => {
  if (!row) {
    const { code, detail: message = 'Is not valid', errors = [{ path: '', message }] } = error;
    return { row: number, status: 'failed', code, errors };
  }
  const { external_id } = row;
  const told = { row: number, ...(external_id !== undefined && { external_id }) };
  const outcome = outcomeOf();
  if (outcome.status !== 'failed') return { ...told, ...outcome };
  const { status, code, path, message } = outcome;
  return { ...told, status, code, errors: [{ path, message }] };
};
