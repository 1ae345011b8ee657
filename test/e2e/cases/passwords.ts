import { expect } from 'vitest';
import { changePassword } from '../../../functions/auth/change-password.ts';
import { forgotPassword } from '../../../functions/auth/forgot-password.ts';
import { login } from '../../../functions/auth/login.ts';
import { refresh } from '../../../functions/auth/refresh.ts';
import { resetPassword } from '../../../functions/auth/reset-password.ts';
import { validateToken } from '../../../functions/auth/validate-token.ts';
import { verifyEmail } from '../../../functions/auth/verify-email.ts';
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

const NEW = 'seven orange kettles sing';

const isValid = async (world: World, token: string): Promise<boolean> =>
  (await expectOk(world.call(validateToken, { token }))).valid;

const resetToken = async (world: World, email: string): Promise<string> => {
  await expectOk(world.call(forgotPassword, { email }));
  return tokenIn((await world.mails(email))[0]);
};

export const passwords: Case[] = [
  {
    name: 'changing the password ends every other session, keeps this one, and tells the owner',
    run: async (world) => {
      const { email } = await verified(world);
      const [other, mine] = [await loggedIn(world, email), await loggedIn(world, email)];
      const change = { current_password: PASSWORD, new_password: NEW };
      await expectOk(world.call(changePassword, change, { token: mine.access_token }));
      expect([await isValid(world, other.access_token), await isValid(world, mine.access_token)]).toEqual([
        false,
        true,
      ]);
      const token = world.service_token;
      expect((await world.call(refresh, { refresh_token: other.refresh_token }, { token })).code).toBe(
        'invalid_refresh_token',
      );
      const next = await expectOk(world.call(refresh, { refresh_token: mine.refresh_token }, { token }));
      expect(await isValid(world, next.access_token)).toBe(true);
      expect((await world.call(login, { identifier: email, password: PASSWORD })).code).toBe('invalid_credentials');
      await loggedIn(world, email, { password: NEW });
      const subjects = (await world.mails(email)).map(({ subject }) => subject);
      expect(subjects.slice(0, -1).sort()).toEqual(['A login to your account failed', 'Your password was changed']);
    },
  },
  {
    name: 'the session that changed the password goes on, also when it refreshes at that moment',
    run: async (world) => {
      const mine = await userWithSession(world);
      const change = { current_password: PASSWORD, new_password: NEW };
      const token = world.service_token;
      const [, next] = await Promise.all([
        world.call(changePassword, change, { token: mine.access_token }),
        expectOk(world.call(refresh, { refresh_token: mine.refresh_token }, { token })),
      ]);
      const last = await expectOk(world.call(refresh, { refresh_token: next.refresh_token }, { token }));
      expect(await isValid(world, last.access_token)).toBe(true);
    },
  },
  {
    name: 'changing needs the current password and a good new one',
    run: async (world) => {
      const { access_token } = await userWithSession(world);
      const wrong = { current_password: 'not the right sentence', new_password: NEW };
      expect((await world.call(changePassword, wrong, { token: access_token })).code).toBe('invalid_credentials');
      const weak = { current_password: PASSWORD, new_password: 'short' };
      expect(await world.call(changePassword, weak, { token: access_token })).toMatchObject({
        code: 'password_refused',
        errors: [{ path: 'new_password' }],
      });
      expect((await world.call(changePassword, wrong)).code).toBe('unauthenticated');
    },
  },
  {
    name: 'guessing the current password is throttled',
    run: async (world) => {
      const { access_token } = await userWithSession(world);
      const codes = new Set<string | undefined>();
      for (let n = 0; n < 12; n++) {
        const guess = { current_password: `guess number ${n} of many`, new_password: NEW };
        codes.add((await world.call(changePassword, guess, { token: access_token })).code);
      }
      expect(codes).toEqual(new Set(['invalid_credentials', 'too_many_requests']));
    },
  },
  {
    name: 'a forgotten password is reset from the mail; the token works once and every session ends',
    run: async (world) => {
      const { email, access_token } = await userWithSession(world);
      const token = await resetToken(world, email);
      const outcomes = await Promise.all(
        Array.from({ length: 5 }, () => world.call(resetPassword, { token, new_password: NEW })),
      );
      expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1);
      expect(outcomes.filter(({ ok }) => !ok).every(({ code }) => code === 'invalid_token')).toBe(true);
      expect(await isValid(world, access_token)).toBe(false);
      await loggedIn(world, email, { password: NEW });
    },
  },
  {
    name: 'asking for an address that nobody has is answered alike and mails nobody',
    run: async (world) => {
      const { email } = await verified(world);
      const stranger = newEmail();
      const [known, unknown] = [
        await expectOk(world.call(forgotPassword, { email })),
        await expectOk(world.call(forgotPassword, { email: stranger })),
      ];
      expect(unknown).toEqual(known);
      expect(await world.mails(stranger)).toEqual([]);
      expect(await world.mails(email)).toHaveLength(2);
    },
  },
  {
    name: 'who forgot the password before the address was verified gets that mail anew, and each of both links is good',
    run: async (world) => {
      const { email, token } = await registered(world);
      const body = await expectOk(world.call(forgotPassword, { email }));
      expect(body).toEqual(await expectOk(world.call(forgotPassword, { email: newEmail() })));
      const mails = await world.mails(email);
      expect(mails.map(({ text }) => text.includes('verify-email'))).toEqual([true, true]);
      const links = mails.map(tokenIn);
      expect(new Set([...links, token]).size).toBe(2);
      await expectOk(world.call(verifyEmail, { token: links.find((each) => each !== token) }));
      expect((await world.call(verifyEmail, { token })).code).toBe('invalid_token');
      await loggedIn(world, email);
    },
  },
  {
    name: 'a newer reset token replaces the older, and a changed password kills both',
    run: async (world) => {
      const { email, access_token } = await userWithSession(world);
      const older = await resetToken(world, email);
      const newer = await resetToken(world, email);
      expect((await world.call(resetPassword, { token: older, new_password: NEW })).code).toBe('invalid_token');
      const change = { current_password: PASSWORD, new_password: NEW };
      await expectOk(world.call(changePassword, change, { token: access_token }));
      expect((await world.call(resetPassword, { token: newer, new_password: PASSWORD })).code).toBe('invalid_token');
    },
  },
  {
    name: 'a reset token dies after half an hour, and a bad new password does not use it up',
    clock: true,
    run: async (world) => {
      const { email } = await verified(world);
      const token = await resetToken(world, email);
      expect((await world.call(resetPassword, { token, new_password: 'short' })).code).toBe('password_refused');
      world.advance!(1_800_000);
      expect((await world.call(resetPassword, { token, new_password: NEW })).code).toBe('invalid_token');
      await loggedIn(world, email);
    },
  },
];
