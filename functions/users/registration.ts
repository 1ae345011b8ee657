/** The writes of a registration. What nobody verifies expires, so that it keeps neither an address nor a name. */
import { insert, type Reader, remove, type Stored, update, type Write } from '../../shared/ports/store.ts';
import { emailKey, usernameKey } from './model.ts';
import { credentials, identifiers, type UserRecord, users } from './records.ts';
import { followingTerms, newTerms } from './terms.ts';

type Names = 'users' | 'identifiers' | 'credentials' | 'user_terms';
type Secret = { password_hash: string; changed_at: number };

/** How long an account waits to be verified. */
export const WAITS_MS = 7 * 86_400_000;

/**
 * An account of an address that nobody has, until `expires_at` (unix ms) if it is given. `takes`: the user name is free
 * and becomes its own.
 */
export const registerNew = (
  user_id: string,
  user: UserRecord,
  secret: Secret,
  takes: boolean,
  expires_at: number | undefined,
): Write<Names>[] => [
  insert(identifiers, emailKey(user.email), { user_id }, { expires_at }),
  insert(users, user_id, user, { expires_at }),
  insert(credentials, user_id, secret, { expires_at }),
  ...(takes ? [insert(identifiers, usernameKey(user.username!), { user_id }, { expires_at })] : []),
  ...newTerms(user_id, user, expires_at),
];

/**
 * A waiting account, registered again with the value and password given; all of it waits until `expires_at` (unix ms), or
 * stays where that is undefined. A user name that it held and that the value no longer has becomes free.
 */
export const registerAnew = async (
  store: Reader<Names>,
  known: Stored<UserRecord>,
  user: UserRecord,
  secret: Secret | undefined,
  takes: boolean,
  expires_at: number | undefined,
): Promise<Write<Names>[]> => {
  const waits = { expires_at };
  const held = known.value.username && usernameKey(known.value.username);
  const name = held ? await store.get(identifiers, held) : undefined;
  const earlier = await store.get(credentials, known.id);
  const address = await store.get(identifiers, emailKey(user.email));
  const kept = user.username !== undefined && usernameKey(user.username) === held;
  const password = secret ?? earlier?.value;
  return [
    update(users, known, user, waits),
    ...(password
      ? [earlier ? update(credentials, earlier, password, waits) : insert(credentials, known.id, password, waits)]
      : []),
    ...(address ? [update(identifiers, address, address.value, waits)] : []),
    ...(name ? [kept ? update(identifiers, name, name.value, waits) : remove(identifiers, name)] : []),
    ...(takes ? [insert(identifiers, usernameKey(user.username!), { user_id: known.id }, waits)] : []),
    ...(await followingTerms(store, known.id, user, expires_at)),
  ];
};

/** Makes of a waiting account one that stays, with the value given, and with its password unless that is in doubt. */
export const confirm = async (
  store: Reader<Names>,
  waiting: Stored<UserRecord>,
  { contested, ...value }: UserRecord,
): Promise<Write<Names>[]> => {
  const stays = { expires_at: undefined };
  const { email, username } = waiting.value;
  const keys = [emailKey(email), ...(username ? [usernameKey(username)] : [])];
  const held = await store.getMany(identifiers, keys);
  const secret = await store.get(credentials, waiting.id);
  return [
    update(users, waiting, value, stays),
    ...(secret ? [contested ? remove(credentials, secret) : update(credentials, secret, secret.value, stays)] : []),
    ...[...held.values()].map((identifier) => update(identifiers, identifier, identifier.value, stays)),
    ...(await followingTerms(store, waiting.id, value, undefined)),
  ];
};
