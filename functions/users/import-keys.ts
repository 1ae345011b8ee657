/** The keys that rows of an import want: who holds them, and who gives way. */
import type { NewEvent } from '../../shared/kit/event.ts';
import type { OperationStore } from '../../shared/kit/operation.ts';
import { insert, type Stored, update, type Write } from '../../shared/ports/store.ts';
import type { ImportRow } from './bulk-row.ts';
import { erase, erased } from './erasure.ts';
import { userDeleted } from './events.ts';
import { emailKey, externalKey, usernameKey } from './model.ts';
import {
  credentials,
  type IdentifierRecord,
  identifiers,
  oneTimeTokens,
  phoneProofs,
  type UserRecord,
  users,
  userTerms,
} from './records.ts';

/** What it reads and writes, and the events that it commits: for the declaration of the operation that imports. */
export const KEPT = [users, identifiers, credentials, oneTimeTokens, phoneProofs, userTerms] as const;
export const IMPORT_EVENTS = [userDeleted] as const;
export type Names = (typeof KEPT)[number]['name'];
export type Store = OperationStore<Names, Names, (typeof IMPORT_EVENTS)[number]['type']>;

/** What becomes of a row. */
export type Outcome =
  | { status: 'created' | 'exists'; user_id: string }
  | { status: 'failed'; code: string; path: string; message: string };

export const failed = (path: string, message: string, code = 'invalid_request'): Outcome => ({
  status: 'failed',
  ...{ code, path, message },
});

/** Accounts that rows come upon, and what they hold. */
export interface Found {
  /** By key, those of rows of this call among them. */
  held: Map<string, string>;
  records: ReadonlyMap<string, Stored<IdentifierRecord>>;
  /** By id: those that only wait for their address to be proved. */
  waiting: ReadonlyMap<string, Stored<UserRecord>>;
}

/** The writes that give a row its keys, and what they have to tell. */
export interface Taking {
  writes: Write<Names>[];
  events: NewEvent<'user.deleted'>[];
}

/** What a row wants that one account alone has. */
export const keysOf = ({ external_id, email, username }: ImportRow): string[] => [
  ...(external_id === undefined ? [] : [externalKey(external_id)]),
  emailKey(email),
  ...(username === undefined ? [] : [usernameKey(username)]),
];

/**
 * The account that gives way to a row: whoever registered the address and never proved it keeps it from nobody of whom the
 * administrator says that it is his.
 */
const giving = (
  { email, email_verified }: ImportRow,
  { held, records, waiting }: Found,
): Stored<UserRecord> | undefined => {
  const holder = waiting.get(held.get(emailKey(email)) ?? '');
  return email_verified && !records.get(emailKey(email))?.value.reserved ? holder : undefined;
};

/** What stands in the way of a row; undefined: nothing. */
export const heldBy = (row: ImportRow, found: Found): Outcome | undefined => {
  const { held } = found;
  const known = row.external_id === undefined ? undefined : held.get(externalKey(row.external_id));
  if (known !== undefined) return { status: 'exists', user_id: known };
  const gives = giving(row, found)?.id;
  const has = (key: string): boolean => held.has(key) && held.get(key) !== gives;
  if (has(emailKey(row.email))) return failed('email', 'Somebody has this address', 'already_exists');
  if (row.username !== undefined && has(usernameKey(row.username))) {
    return failed('username', 'Somebody has this name', 'already_exists');
  }
  return undefined;
};

/** What the keys of rows are held by. */
export const lookUp = async (store: Store, rows: readonly ImportRow[]): Promise<Found> => {
  const records = await store.getMany(identifiers, rows.flatMap(keysOf));
  // a row that came before is known, and asks for nobody's address
  const fresh = rows.filter(({ external_id }) => external_id === undefined || !records.has(externalKey(external_id)));
  const holders = fresh.flatMap(({ email }) => records.get(emailKey(email))?.value.user_id ?? []);
  const known = holders.length > 0 ? await store.getMany(users, [...new Set(holders)]) : new Map();
  const waiting = new Map([...known].filter(([, { value }]) => value.status === 'pending_verification'));
  return { held: new Map([...records].map(([key, { value }]) => [key, value.user_id])), records, waiting };
};

/** The writes of a row's keys, and of the account that gives way to it. */
export const takes = async (store: Store, row: ImportRow, user_id: string, found: Found): Promise<Taking> => {
  const keys = keysOf(row);
  const gone = giving(row, found);
  const own = keys.map((key) => {
    const record = gone && found.records.get(key);
    return record
      ? update(identifiers, record, { user_id }, { expires_at: undefined })
      : insert(identifiers, key, { user_id });
  });
  if (!gone) return { writes: own, events: [] };
  const erasing = await erase(store, gone, erased(gone.value, gone.value.generation + 1));
  return {
    writes: [...erasing.filter(({ id }) => !keys.includes(id)), ...own],
    events: [userDeleted.with({ user_id: gone.id }, { user_id: gone.id })],
  };
};
