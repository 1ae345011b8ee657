/** What stays of a deleted account: its id, that it is deleted, and since when; nothing about a person. */
import { type Reader, remove, type Stored, update, type Write } from '../../shared/ports/store.ts';
import { emailKey, externalKey, usernameKey } from './model.ts';
import { emailsOf, PURPOSES, tokenId } from './one-time-token.ts';
import { credentials, identifiers, oneTimeTokens, phoneProofs, type UserRecord, users } from './records.ts';
import { followingTerms } from './terms.ts';

type Names = 'users' | 'identifiers' | 'credentials' | 'one_time_tokens' | 'phone_proofs' | 'user_terms';

/** A deleted account. */
export const erased = ({ created_at }: UserRecord, generation: number): UserRecord => ({
  email: '',
  status: 'deleted',
  verified: false,
  mfa_enabled: false,
  created_at,
  profile: {},
  generation,
});

/** The writes that delete an account: address and name become free, password and tokens go, the id is never used again. */
export const erase = async (
  store: Reader<Names>,
  user: Stored<UserRecord>,
  value: UserRecord,
): Promise<Write<Names>[]> => {
  const { email, username, external_id } = user.value;
  const secret = await store.get(credentials, user.id);
  const tokens = await store.getMany(
    oneTimeTokens,
    PURPOSES.map((purpose) => tokenId(purpose, user.id)),
  );
  const before = tokens.get(tokenId('undo-email', user.id));
  const keys = new Set([email, ...(before ? emailsOf(before.value) : [])].map(emailKey));
  if (username) keys.add(usernameKey(username));
  if (external_id !== undefined) keys.add(externalKey(external_id));
  const held = await store.getMany(identifiers, [...keys]);
  const proof = await store.get(phoneProofs, user.id);
  return [
    update(users, user, value, { expires_at: undefined }),
    ...(secret ? [remove(credentials, secret)] : []),
    ...[...held.values()]
      .filter(({ value }) => value.user_id === user.id)
      .map((identifier) => remove(identifiers, identifier)),
    ...[...tokens.values()].map((token) => remove(oneTimeTokens, token)),
    ...(proof ? [remove(phoneProofs, proof)] : []),
    ...(await followingTerms(store, user.id, value, undefined)),
  ];
};
