import * as z from 'zod';
import { operation } from '../../shared/operation.ts';
import { insert, type Reader, remove, type Stored, update, type Write } from '../../shared/ports/store.ts';
import { retryConflict } from '../../shared/retry-conflict.ts';
import { emailSend } from '../notifications/events.ts';
import { userRegistered } from './events.ts';
import { Email, emailKey, Locale, Password, PersonName, PhoneNumber, Username, usernameKey } from './model.ts';
import { issueToken, tokenId } from './one-time-token.ts';
import { requireGoodPassword } from './password-rule.ts';
import { credentials, identifiers, oneTimeTokens, type UserRecord, users } from './records.ts';

export const NewUser = z.strictObject({
  email: Email,
  password: Password,
  username: Username.optional(),
  first_name: PersonName.optional(),
  last_name: PersonName.optional(),
  phone_number: PhoneNumber.optional(),
  locale: Locale.optional(),
});

/**
 * Creates an account that waits for its address to be verified.
 *
 * The answer and its time are the same whether the address is known or not: both hash the password, read the same
 * records and commit one transaction. The owner of a known address gets a mail; an account still waiting is
 * registered anew, so that who set an earlier password without owning the address gains nothing by having been first.
 */
export const createUser = operation({
  name: 'users.create-user',
  summary: 'Creates an account that waits for verification',
  access: 'service',
  input: z.strictObject({
    ...NewUser.shape,
    ip_address: z.string(),
    user_agent: z.string(),
    verified: z.boolean().optional(),
  }),
  output: z.object({ user_id: z.string().optional().meta({ description: 'Left out when the address was known' }) }),
  errors: ['password_refused', 'conflict'],
  emits: [userRegistered, emailSend],
  reads: [users, identifiers, credentials, oneTimeTokens],
  writes: [users, identifiers, credentials, oneTimeTokens],
  needs: ['clock', 'ids', 'passwords', 'sealer', 'settings'],
  run: async ({ store, clock, ids, passwords, sealer, settings }, input) => {
    const { email, password, username, ip_address, user_agent, verified = false, ...profile } = input;
    requireGoodPassword(password, settings, { email, username }, 'password');
    const password_hash = await passwords.hash(password);
    return retryConflict(async () => {
      const byEmail = await store.get(identifiers, emailKey(email));
      const byUsername = username ? await store.get(identifiers, usernameKey(username)) : undefined;
      const known = byEmail && (await store.get(users, byEmail.value.user_id));
      if (known && known.value.status !== 'pending_verification') {
        await store.transact([], [tellOwner(known)]);
        return {};
      }

      const now = clock.now();
      const user_id = known?.id ?? ids.uuid();
      const free = username !== undefined && (!byUsername || byUsername.value.user_id === user_id);
      const user: UserRecord = {
        ...profile,
        email,
        ...(free && { username }),
        status: verified ? 'active' : 'pending_verification',
        mfa_enabled: false,
        created_at: known?.value.created_at ?? Math.floor(now / 1000),
        profile: {},
        generation: 0,
      };
      const secret = { password_hash, changed_at: now };
      const writes = known
        ? await rewrite(store, known, user, secret)
        : [
            insert(identifiers, emailKey(email), { user_id }),
            insert(users, user_id, user),
            insert(credentials, user_id, secret),
          ];
      if (free && !byUsername) writes.push(insert(identifiers, usernameKey(username), { user_id }));
      if (verified) {
        await store.transact(writes);
        return { user_id };
      }
      const earlier = await store.get(oneTimeTokens, tokenId('verify-email', user_id));
      const expires_at = now + settings.verification_ttl * 1000;
      const { token, write } = issueToken(ids, 'verify-email', { user_id, email }, earlier, expires_at);
      const { first_name, last_name, locale } = profile;
      const registered = userRegistered.with(
        {
          user_id,
          email,
          first_name,
          last_name,
          locale,
          verification_token: sealer.seal(token, 'verify-email'),
          registration_ip: ip_address,
          user_agent,
          ...(username && !free && { username_taken: username }),
        },
        { user_id },
      );
      await store.transact([...writes, write], [registered]);
      return { user_id };
    });
  },
});

const tellOwner = ({ id, value }: Stored<UserRecord>) =>
  emailSend.with(
    {
      recipient: value.email,
      template_name: 'account_exists',
      subject: '',
      template_data: { locale: value.locale ?? '' },
      priority: 'normal',
    },
    { user_id: id },
  );

type Names = 'users' | 'identifiers' | 'credentials';

/** The writes that register a waiting account anew; a user name it held and no longer asks for becomes free. */
const rewrite = async (
  store: Reader<Names>,
  known: Stored<UserRecord>,
  user: UserRecord,
  secret: { password_hash: string; changed_at: number },
): Promise<Write<Names>[]> => {
  const held = known.value.username;
  const dropped = held && held !== user.username ? await store.get(identifiers, usernameKey(held)) : undefined;
  const earlier = await store.get(credentials, known.id);
  return [
    update(users, known, user),
    earlier ? update(credentials, earlier, secret) : insert(credentials, known.id, secret),
    ...(dropped ? [remove(identifiers, dropped)] : []),
  ];
};
