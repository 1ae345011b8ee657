import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { insert, remove, update } from '../../shared/ports/store.ts';
import { recommendedActions, securityAlert } from '../auth/events.ts';
import { clientOf } from '../auth/model.ts';
import { provePassword } from '../auth/prove-password.ts';
import { smsSend } from '../notifications/events.ts';
import { Locale, NewUsername, Password, PersonName, PhoneNumber, toUser, User, usernameKey } from './model.ts';
import { askForProof, countCode, PROOF_PORTS } from './phone-proof.ts';
import { changedProfile, ownProfile, ProfileChange } from './profile.ts';
import { identifiers, phoneProofs, requestCounts, type UserRecord, users, userTerms } from './records.ts';
import { followingTerms } from './terms.ts';

/** A field that null empties. */
const emptied = <T extends z.ZodType>(field: T) => field.nullable().meta({ description: 'null empties it' });

type Changes = { [K in 'username' | 'first_name' | 'last_name' | 'phone_number' | 'locale']?: string | null };

/** A profile with its changes. The number that was proved goes with the number. */
const changed = (user: UserRecord, changes: Changes): UserRecord => {
  const given = { ...user, ...changes, ...(changes.phone_number === null && { proven_phone: null }) };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null)) as unknown as UserRecord;
};

/**
 * Changes the caller's own profile; what is left out stays, and null empties a field. Address, status and factors have
 * their own ways.
 *
 * Another phone number asks for the password, is told by mail, and gets a code: until that comes back, messages go to
 * the number that was proved before, if there was one. Taking it out asks for the password and is told, too.
 */
export const updateMe = operation({
  name: 'users.update-me',
  summary: "Changes the caller's own profile",
  http: { method: 'PATCH', path: '/api/v1/users/me' },
  access: 'user',
  bounds: { address: 120 },
  input: z
    .strictObject({
      username: emptied(NewUsername),
      first_name: emptied(PersonName),
      last_name: emptied(PersonName),
      phone_number: emptied(PhoneNumber),
      locale: emptied(Locale),
      profile: ProfileChange,
      password: Password.meta({ description: 'Asked for with another phone number, and with none' }),
    })
    .partial(),
  output: User,
  errors: ['not_found', 'conflict', 'already_exists', 'invalid_credentials'],
  emits: [smsSend, securityAlert],
  reads: [users, identifiers, phoneProofs, userTerms],
  writes: [users, identifiers, phoneProofs, requestCounts, userTerms],
  needs: PROOF_PORTS,
  calls: { provePassword },
  run: async ({ store, provePassword, ...given }, { password, profile, ...changes }, context) => {
    const { caller } = context;
    if (caller.kind !== 'user') throw new AppError('not_found');
    const { user_id } = caller;
    const { phone_number } = changes;
    const before = await store.get(users, user_id);
    if (!before) throw new AppError('not_found');
    const calls = phone_number !== undefined && phone_number !== (before.value.phone_number ?? null);
    if (calls) {
      if (password === undefined) {
        const message = 'Is required to change the phone number';
        throw new AppError('invalid_request', { errors: [{ path: 'password', message }] });
      }
      await provePassword({ user_id, session_id: caller.session_id, password });
      if (phone_number !== null) await countCode(store, given, user_id);
    }
    return retryConflict(async () => {
      const user = await store.get(users, user_id);
      if (!user) throw new AppError('not_found');
      const [held, wanted] = [user.value.username, changes.username];
      const [key, next] = [held && usernameKey(held), wanted && usernameKey(wanted)];
      const renames = wanted !== undefined && (key ?? null) !== next;
      const taken = renames && next && (await store.get(identifiers, next));
      if (taken) {
        throw new AppError('already_exists', {
          errors: [{ path: 'username', message: 'Somebody else has this name' }],
        });
      }
      const old = renames && key ? await store.get(identifiers, key) : undefined;
      const { profile: fields } = given.settings;
      const value = changed(user.value, changes);
      if (profile) value.profile = changedProfile(fields, value.profile, profile, 'user');
      const asked = phone_number === null ? await store.get(phoneProofs, user_id) : undefined;
      const proof =
        calls && phone_number ? await askForProof(store, given, { ...user, value }, phone_number) : undefined;
      const { ip_address, user_agent } = clientOf(context);
      const told = securityAlert.with(
        {
          user_id,
          alert_type: 'phone_changed',
          severity: 'medium',
          description: 'The phone number of your account was changed',
          details: {},
          ip_address,
          user_agent,
          recommended_actions: recommendedActions('medium'),
        },
        { user_id },
      );
      await store.transact(
        [
          update(users, user, value),
          ...(renames && next ? [insert(identifiers, next, { user_id })] : []),
          ...(old ? [remove(identifiers, old)] : []),
          ...(proof ? [proof.write] : []),
          ...(asked ? [remove(phoneProofs, asked)] : []),
          ...(await followingTerms(store, user_id, value, user.expires_at)),
        ],
        [...(proof ? [proof.event] : []), ...(calls ? [told] : [])],
      );
      return toUser({ ...user, value: { ...value, profile: ownProfile(fields, value.profile) } });
    });
  },
});
