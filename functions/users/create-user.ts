import * as z from 'zod';
import { counterKey } from '../../shared/kit/counter-key.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import type { Stored } from '../../shared/ports/store.ts';
import { emailSend } from '../notifications/events.ts';
import { userRegistered } from './events.ts';
import { emailKey, mailboxOf, usernameKey } from './model.ts';
import { NewUser } from './new-user.ts';
import { goodTokens, issueToken, MAX_BESIDE, tokenId } from './one-time-token.ts';
import { requireGoodPassword } from './password-rule.ts';
import { changedProfile, requireProfile } from './profile.ts';
import {
  credentials,
  identifiers,
  oneTimeTokens,
  requestCounts,
  type UserRecord,
  users,
  userTerms,
} from './records.ts';
import { registerAnew, registerNew, WAITS_MS } from './registration.ts';

/** Registrations of one mailbox that are looked at in an hour: each sends a mail there. */
const MAX_PER_HOUR = 5;
const HOUR_MS = 3_600_000;

/**
 * Creates an account that waits for its address to be verified; after a week it waits no longer and is gone.
 *
 * The answer and its time are the same whether the address is known or not: both hash and compare the password, read the same
 * records and commit one transaction. The owner of a known address gets a mail. An account still waiting gets another
 * link: with the password that it has it is registered anew, with what was given before where nothing else is said; with
 * another one nothing of it changes, for that may be a stranger, but verifying the address keeps no password.
 */
export const createUser = operation({
  name: 'users.create-user',
  summary: 'Creates an account that waits for verification',
  access: 'service',
  input: z.strictObject({
    ...NewUser.shape,
    ip_address: z.string(),
    user_agent: z.string(),
    verified: z.boolean().optional().meta({ description: 'The address needs no verification' }),
  }),
  output: z.object({ user_id: z.string().optional().meta({ description: 'Left out when no account was made' }) }),
  errors: ['password_refused'],
  emits: [userRegistered, emailSend],
  reads: [users, identifiers, credentials, oneTimeTokens, userTerms],
  writes: [users, identifiers, credentials, oneTimeTokens, requestCounts, userTerms],
  needs: ['clock', 'ids', 'passwords', 'sealer', 'secrets', 'settings'],
  run: async ({ store, clock, ids, passwords, sealer, secrets, settings }, input) => {
    const { email, password, username, ip_address, user_agent, verified = false, profile: own = {}, ...names } = input;
    const fields = changedProfile(settings.profile, {}, own, 'user');
    if (!verified) requireProfile(settings.profile, fields);
    await requireGoodPassword(password, settings, { email, username, ...names }, 'password');
    const password_hash = await passwords.hash(password);
    const hour = { expires_at: clock.now() + HOUR_MS };
    const asked = await store.increment(requestCounts, counterKey(secrets, 'register', mailboxOf(email)), hour);
    if (asked > MAX_PER_HOUR * settings.rate_limits) return {};

    /** The writes of a new account, of nobody's and gone in a second: a commit takes as long as what it writes. */
    const ghost = () => {
      const [user_id, now] = [ids.uuid(), clock.now()];
      const email = `${user_id}@none.invalid`;
      const user = { ...names, email, username: user_id, status: 'deleted' as const, verified, mfa_enabled: false };
      const record: UserRecord = { ...user, created_at: 0, profile: fields, generation: 0 };
      const expires_at = now + 1000;
      const { write } = issueToken(ids, 'verify-email', { user_id, email, generation: 0 }, undefined, expires_at);
      const secret = { password_hash, changed_at: now };
      return [...registerNew(user_id, record, secret, username !== undefined, expires_at), write];
    };

    const attempt = async () => {
      const byEmail = await store.get(identifiers, emailKey(email));
      const byUsername = username ? await store.get(identifiers, usernameKey(username)) : undefined;
      const known = byEmail && (await store.get(users, byEmail.value.user_id));
      const waiting = known?.value.status === 'pending_verification' && !byEmail?.value.reserved;
      // read and compared for every address, so that the work is the same
      const secretBefore = await store.get(credentials, known?.id ?? 'nobody');
      const same = await passwords.verify(password, waiting ? secretBefore?.value.password_hash : undefined);
      if (known && !waiting) {
        await store.transact(ghost(), [tellOwner(known, email)]);
        return {};
      }

      const now = clock.now();
      const user_id = known?.id ?? ids.uuid();
      const expires_at = now + settings.verification_ttl * 1000;
      const free = username !== undefined && (!byUsername || byUsername.value.user_id === user_id);
      const said = { ...names, ...(free && { username }), ...(input.profile && { profile: fields }) };
      const secret = { password_hash, changed_at: now };
      const takes = free && !byUsername;
      const blank = { email, verified, mfa_enabled: false, profile: {}, generation: 0 };
      if (verified) {
        const user = { ...blank, ...said, status: 'active' as const, created_at: Math.floor(now / 1000) };
        await store.transact(
          known
            ? await registerAnew(store, known, user, secret, takes, undefined)
            : registerNew(user_id, user, secret, takes, undefined),
        );
        return { user_id };
      }

      const earlier = await store.get(oneTimeTokens, tokenId('verify-email', user_id));
      if (earlier && goodTokens(earlier, now).length >= MAX_BESIDE) return {};
      const stranger = known !== undefined && !same;
      const user: UserRecord = {
        ...(known?.value ?? { ...blank, status: 'pending_verification', created_at: Math.floor(now / 1000) }),
        ...(stranger ? { contested: true } : said),
      };
      const writes = known
        ? // a link is good for as long as its mail says, so what it verifies has to wait for it
          await registerAnew(
            store,
            known,
            user,
            undefined,
            takes && !stranger,
            Math.max(known.expires_at ?? 0, expires_at),
          )
        : registerNew(user_id, user, secret, takes, now + WAITS_MS);
      const { token, write } = issueToken(ids, 'verify-email', { ...blank, user_id }, earlier, expires_at, now);
      const { first_name, last_name, locale } = user;
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
          ...(username && !free && !stranger && { username_taken: username }),
        },
        { user_id },
      );
      await store.transact([...writes, write], [registered]);
      return { user_id };
    };
    return retryConflict(attempt).catch((thrown) => {
      // others are registering this address right now: to say so would say that nobody had it before
      if (thrown instanceof AppError && thrown.code === 'conflict') return {};
      throw thrown;
    });
  },
});

/** At the address that was typed: it may be one that the account had before. */
const tellOwner = ({ id, value }: Stored<UserRecord>, recipient: string) =>
  emailSend.with(
    {
      recipient,
      template_name: 'account_exists',
      subject: '',
      template_data: { locale: value.locale ?? '' },
      priority: 'normal',
    },
    { user_id: id },
  );
