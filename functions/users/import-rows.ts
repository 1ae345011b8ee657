/** The writes of imported accounts: as many in a commit as fit, and alone where one of them fails. */
import type { Ports } from '../../shared/ports/index.ts';
import { insert, type Write, WriteConflict } from '../../shared/ports/store.ts';
import type { ImportRow } from './bulk-row.ts';
import {
  failed,
  heldBy,
  keysOf,
  lookUp,
  type Names,
  type Outcome,
  type Store,
  type Taking,
  takes,
} from './import-keys.ts';
import { changedProfile } from './profile.ts';
import { credentials, type UserRecord, users } from './records.ts';
import { isReserved } from './reserved-names.ts';
import { newTerms } from './terms.ts';

type Given = Pick<Ports, 'clock' | 'ids' | 'passwords' | 'settings'>;

/** What a store takes in one commit, which is what DynamoDB does, with room for the line of the audit log and where it came from. */
const MOST_WRITES = 98;
/** Commits at a time. */
const LANES = 32;

interface Planned extends Taking {
  at: number;
  user_id: string;
}

/** What is wrong with a row by itself; undefined: nothing. @throws AppError for fields of the profile */
const faultOf = ({ passwords }: Given, { password_hash, username }: ImportRow): Outcome | undefined => {
  if (password_hash !== undefined && !passwords.reads(password_hash)) {
    return failed('password_hash', 'Is of no known form, or too costly to check');
  }
  return username !== undefined && isReserved(username) ? failed('username', 'This name is reserved') : undefined;
};

const writesOf = ({ clock, settings }: Given, row: ImportRow, user_id: string): Write<Names>[] => {
  const { external_id, email_verified, phone_verified, password_hash, profile = {}, created_at, ...said } = row;
  const now = clock.now();
  const user: UserRecord = {
    ...said,
    ...(external_id !== undefined && { external_id }),
    ...(phone_verified && said.phone_number !== undefined && { proven_phone: said.phone_number }),
    verified: email_verified,
    mfa_enabled: false,
    created_at: created_at ?? Math.floor(now / 1_000),
    profile: changedProfile(settings.profile, {}, profile, 'admin'),
    generation: 0,
  };
  return [
    insert(users, user_id, user),
    ...(password_hash === undefined ? [] : [insert(credentials, user_id, { password_hash, changed_at: now })]),
    ...newTerms(user_id, user, undefined),
  ];
};

/** Plans that fit one commit each. */
const commitsOf = (planned: readonly Planned[]): Planned[][] => {
  const commits: Planned[][] = [];
  let room = 0;
  for (const plan of planned) {
    const size = plan.writes.length + plan.events.length;
    if (size > room) {
      commits.push([]);
      room = MOST_WRITES;
    }
    commits.at(-1)!.push(plan);
    room -= size;
  }
  return commits;
};

/**
 * Makes accounts of rows, whole or not at all each. What is wrong with one costs no other, and a row whose `external_id` is known
 * changes nothing. Who registered a row's address and never proved it gives way to it.
 *
 * @throws AppError when the store is away: rows of it that were made are known by their `external_id` the next time
 */
export const importRows = async (store: Store, given: Given, rows: readonly ImportRow[]): Promise<Outcome[]> => {
  const found = await lookUp(store, rows);
  const outcomes = new Array<Outcome>(rows.length);
  const planned: Planned[] = [];
  for (const [at, row] of rows.entries()) {
    const refused = heldBy(row, found) ?? faultOf(given, row);
    if (refused) {
      outcomes[at] = refused;
      continue;
    }
    const user_id = given.ids.uuid();
    try {
      const made = writesOf(given, row, user_id);
      const { writes, events } = await takes(store, row, user_id, found);
      planned.push({ at, user_id, writes: [...writes, ...made], events });
    } catch (thrown) {
      const { errors: [first] = [] } = thrown as { errors?: { path: string; message: string }[] };
      if (!first) throw thrown;
      outcomes[at] = failed(first.path, first.message);
      continue;
    }
    // of two rows of one batch the first has it
    for (const key of keysOf(row)) found.held.set(key, user_id);
  }

  const alone = async ({ at, user_id, writes, events }: Planned): Promise<void> => {
    try {
      await store.transact(writes, events);
      outcomes[at] = { status: 'created', user_id };
    } catch (thrown) {
      if (!(thrown instanceof WriteConflict)) throw thrown;
      const row = rows[at]!;
      outcomes[at] =
        heldBy(row, await lookUp(store, [row])) ?? failed('email', 'Somebody else registers it right now', 'conflict');
    }
  };
  const commits = commitsOf(planned);
  const lane = async (): Promise<void> => {
    for (let commit = commits.shift(); commit; commit = commits.shift()) {
      try {
        await store.transact(
          commit.flatMap(({ writes }) => writes),
          commit.flatMap(({ events }) => events),
        );
        for (const { at, user_id } of commit) outcomes[at] = { status: 'created', user_id };
      } catch (thrown) {
        if (!(thrown instanceof WriteConflict)) throw thrown;
        for (const plan of commit) await alone(plan);
      }
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return outcomes;
};
