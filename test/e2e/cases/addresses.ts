import { expect } from 'vitest';
import { confirmEmail } from '../../../functions/auth/confirm-email.ts';
import { forgotPassword } from '../../../functions/auth/forgot-password.ts';
import { login } from '../../../functions/auth/login.ts';
import { refresh } from '../../../functions/auth/refresh.ts';
import { register } from '../../../functions/auth/register.ts';
import { resetPassword } from '../../../functions/auth/reset-password.ts';
import { undoEmail } from '../../../functions/auth/undo-email.ts';
import { verifyEmail } from '../../../functions/auth/verify-email.ts';
import { getMe } from '../../../functions/users/get-me.ts';
import { listUsers } from '../../../functions/users/list-users.ts';
import { requestEmailChange } from '../../../functions/users/request-email-change.ts';
import {
  type Case,
  expectOk,
  loggedIn,
  newEmail,
  PASSWORD,
  registered,
  tokenIn,
  userWithSession,
  verified,
  type World,
} from '../world.ts';

/** Asks for another address, and gives the token that was mailed there. */
export const askedFor = async (world: World, token: string, email: string): Promise<string> => {
  await expectOk(world.call(requestEmailChange, { email, password: PASSWORD }, { token }));
  return tokenIn((await world.mails(email))[0]);
};

/** The token of the link that takes a change back. */
export const wayBack = async (world: World, email: string): Promise<string> =>
  tokenIn((await world.mails(email)).find(({ text }) => text.includes('undo-email')));

/** A user whose address was changed. */
export const moved = async (world: World) => {
  const user = await userWithSession(world);
  const next = newEmail();
  await expectOk(world.call(confirmEmail, { token: await askedFor(world, user.access_token, next) }));
  return { ...user, next };
};

/** The id of the account that has an address. */
const ownerOf = async (world: World, email: string): Promise<string | undefined> => {
  const { users } = await expectOk(world.call(listUsers, { q: email }, { token: world.service_token }));
  return users[0]?.id;
};

const logsIn = async (world: World, identifier: string): Promise<boolean> =>
  (await world.call(login, { identifier, password: PASSWORD })).ok;

export const addresses: Case[] = [
  {
    name: 'another address asks for the password, is proved by its mail, and the old one is told',
    run: async (world) => {
      const { access_token: token, email, user_id } = await userWithSession(world);
      const next = newEmail();
      const wrong = { email: next, password: 'not the right sentence' };
      expect((await world.call(requestEmailChange, wrong, { token })).code).toBe('invalid_credentials');
      const own = await world.call(requestEmailChange, { email, password: PASSWORD }, { token });
      expect(own).toMatchObject({ code: 'invalid_request', errors: [{ path: 'email' }] });
      // a login of this moment stands for no password: whoever has the address gets a new one
      const without = await world.call(requestEmailChange, { email: next }, { token });
      expect(without).toMatchObject({ code: 'invalid_request', errors: [{ path: 'password' }] });
      const again = (await loggedIn(world, email)).access_token;
      await expectOk(world.call(requestEmailChange, { email: next, password: PASSWORD }, { token: again }));
      const first = tokenIn((await world.mails(next))[0]);
      const link = await askedFor(world, again, next);
      expect((await world.call(confirmEmail, { token: first })).code).toBe('invalid_token');
      expect(await logsIn(world, email)).toBe(true);
      await expectOk(world.call(forgotPassword, { email }));
      const reset = tokenIn((await world.mails(email)).find(({ text }) => text.includes('reset-password')));

      expect(await expectOk(world.call(confirmEmail, { token: link }))).toEqual({ user_id, email: next });
      expect((await world.call(confirmEmail, { token: link })).code).toBe('invalid_token');
      expect(await expectOk(world.call(getMe, {}, { token: again }))).toMatchObject({ email: next, is_verified: true });
      expect([await logsIn(world, next), await logsIn(world, email)]).toEqual([true, false]);
      expect([await ownerOf(world, email), await ownerOf(world, next)]).toEqual([undefined, user_id]);
      // what was mailed to the old address opens nothing any more
      const late = { token: reset, new_password: 'quiet tractors hum in violet' };
      expect((await world.call(resetPassword, late)).code).toBe('invalid_token');
      expect((await world.mails(email))[0]?.text).toContain('undo-email');
    },
  },
  {
    name: 'the old address takes a change back, which ends every session, also after several changes, and again by no other link',
    run: async (world) => {
      const { email, next, access_token: token, user_id, refresh_token } = await moved(world);
      const last = newEmail();
      await expectOk(world.call(confirmEmail, { token: await askedFor(world, token, last) }));
      const [back, between] = [await wayBack(world, email), await wayBack(world, next)];
      // nobody gets an address that may be wanted back
      await expectOk(world.call(register, { email, password: PASSWORD }));
      expect((await world.mails(email))[0]?.text).not.toContain('token=');
      expect(await expectOk(world.call(undoEmail, { token: back }))).toEqual({ user_id, email });
      expect((await world.call(getMe, {}, { token })).code).toBe('unauthenticated');
      const spent = await world.call(refresh, { refresh_token }, { token: world.service_token });
      expect(spent.code).toBe('invalid_refresh_token');
      expect([await logsIn(world, email), await logsIn(world, next), await logsIn(world, last)]).toEqual([
        true,
        false,
        false,
      ]);
      for (const each of [back, between])
        expect((await world.call(undoEmail, { token: each })).code).toBe('invalid_token');
      expect((await world.mails(email))[0]?.text).toContain('reset-password');
      // what came after is free again
      expect((await verified(world, { email: last })).user_id).not.toBe(user_id);
      expect((await verified(world, { email: next })).user_id).not.toBe(user_id);
    },
  },
  {
    name: 'the way back is open for 72 hours; then the old address is free',
    clock: true,
    run: async (world) => {
      const { email, user_id } = await moved(world);
      const token = await wayBack(world, email);
      world.advance!(71 * 3_600_000);
      const other = await moved(world);
      await expectOk(world.call(undoEmail, { token }));
      const late = await wayBack(world, other.email);
      world.advance!(72 * 3_600_000 + 1_000);
      expect((await world.call(undoEmail, { token: late })).code).toBe('invalid_token');
      expect((await verified(world, { email: other.email })).user_id).not.toBe(other.user_id);
      expect(await ownerOf(world, email)).toBe(user_id);
    },
  },
  {
    name: 'an address that somebody has is answered alike, its owner is told, and it stays where it is',
    run: async (world) => {
      const { access_token: token } = await userWithSession(world);
      const { email, user_id } = await verified(world);
      const asked = await expectOk(world.call(requestEmailChange, { email, password: PASSWORD }, { token }));
      expect(asked).toEqual({ status: 'accepted' });
      const [mail] = await world.mails(email);
      expect(mail?.text).toContain('already belongs to yours');
      expect(mail?.text).not.toContain('token=');

      // nor does anybody get one that may be wanted back
      const former = (await moved(world)).email;
      await expectOk(world.call(requestEmailChange, { email: former, password: PASSWORD }, { token }));
      expect((await world.mails(former))[0]?.text).toContain('already belongs to yours');

      // who proves a free address first has it
      const next = newEmail();
      const link = await askedFor(world, token, next);
      const first = await verified(world, { email: next });
      expect((await world.call(confirmEmail, { token: link })).code).toBe('already_exists');
      expect([await ownerOf(world, next), await ownerOf(world, email)]).toEqual([first.user_id, user_id]);
    },
  },
  {
    name: 'an account that nobody verified gives way to who reads the mails of its address',
    run: async (world) => {
      const { access_token: token, user_id } = await userWithSession(world);
      const { email, token: link } = await registered(world, { username: `w${user_id.slice(-12)}` });
      const change = await askedFor(world, token, email);
      expect(await expectOk(world.call(confirmEmail, { token: change }))).toEqual({ user_id, email });
      expect((await world.call(verifyEmail, { token: link })).code).toBe('invalid_token');
      await userWithSession(world, { username: `w${user_id.slice(-12)}` });
    },
  },
];
