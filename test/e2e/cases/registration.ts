import { expect } from 'vitest';
import { changePassword } from '../../../functions/auth/change-password.ts';
import { login } from '../../../functions/auth/login.ts';
import { register } from '../../../functions/auth/register.ts';
import { resetPassword } from '../../../functions/auth/reset-password.ts';
import { verifyEmail } from '../../../functions/auth/verify-email.ts';
import { getMe } from '../../../functions/users/get-me.ts';
import { updateMe } from '../../../functions/users/update-me.ts';
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
} from '../world.ts';

export const registration: Case[] = [
  {
    name: 'a new account is verified from its mail and logs in',
    run: async (world) => {
      const email = newEmail();
      const answer = await world.call(register, { email, password: PASSWORD, first_name: 'Ada', locale: 'en' });
      expect(answer).toMatchObject({ ok: true, body: { status: 'pending_verification' } });
      const [mail, ...others] = await world.mails(email);
      expect(others).toEqual([]);
      expect(mail?.to).toContain(email);
      expect((await world.call(login, { identifier: email, password: PASSWORD })).code).toBe('invalid_credentials');
      const done = await expectOk(world.call(verifyEmail, { token: tokenIn(mail) }));
      expect(done.email).toBe(email);
      const tokens = await loggedIn(world, email);
      expect(tokens).toMatchObject({ token_type: 'Bearer', expires_in: 900, user_id: done.user_id });
    },
  },
  {
    name: 'a known address gets the same answer, and its owner a mail instead',
    run: async (world) => {
      const { email } = await verified(world);
      const spelled = email.toUpperCase();
      const answer = await world.call(register, { email: spelled, password: 'another fine sentence here' });
      expect(answer).toMatchObject({ ok: true, body: { status: 'pending_verification' } });
      const mails = await world.mails(email);
      expect(mails).toHaveLength(2);
      expect(mails[0]?.text).not.toContain('token=');
      await loggedIn(world, email);
    },
  },
  {
    name: 'registering again sends another link, each of which is good until one is used',
    run: async (world) => {
      for (const used of [0, 1]) {
        const { email } = await registered(world);
        await expectOk(world.call(register, { email, password: PASSWORD }));
        const links = (await world.mails(email)).map((mail) => tokenIn(mail));
        await expectOk(world.call(verifyEmail, { token: links[used] }));
        for (const token of links) expect((await world.call(verifyEmail, { token })).code).toBe('invalid_token');
        await loggedIn(world, email);
      }
    },
  },
  {
    name: 'registering again with the same password keeps what was given before, unless it says otherwise',
    run: async (world) => {
      const username = `n${newEmail().slice(1, 20)}`;
      const { email } = await registered(world, { first_name: 'Ada', last_name: 'Byron', username, locale: 'zh-CN' });
      const { token } = await registered(world, { email, last_name: 'Lovelace' });
      expect((await world.mails(email))[0]?.subject).toMatch(/\p{Script=Han}/u);
      await expectOk(world.call(verifyEmail, { token }));
      const { access_token } = await loggedIn(world, username);
      const me = await expectOk(world.call(getMe, {}, { token: access_token }));
      expect(me).toMatchObject({ first_name: 'Ada', last_name: 'Lovelace', username });
    },
  },
  {
    name: 'a stranger who registers the same address gives it nothing: no name, no number, no language, no dead link',
    run: async (world) => {
      const own = `n${newEmail().slice(1, 20)}`;
      const { email, token } = await registered(world, { first_name: 'Ada', username: own });
      const theirs = {
        password: 'the second of two sentences',
        username: `n${newEmail().slice(1, 20)}`,
        first_name: 'Mallory',
        last_name: 'Stranger',
        phone_number: '+491701234567',
        locale: 'zh-CN',
      };
      await expectOk(world.call(register, { email, ...theirs }));
      const mails = await world.mails(email);
      expect(mails).toHaveLength(2);
      for (const { text, subject } of mails) expect(`${subject}${text}`).not.toMatch(/Mallory|\p{Script=Han}/u);
      await expectOk(world.call(verifyEmail, { token }));
      const [reset] = await world.mails(email);
      await expectOk(world.call(resetPassword, { token: tokenIn(reset), new_password: PASSWORD }));
      const { access_token } = await loggedIn(world, own);
      const me = await expectOk(world.call(getMe, {}, { token: access_token }));
      expect(me).toMatchObject({ email, username: own, first_name: 'Ada', last_name: '', phone_number: '' });
      expect((await world.call(login, { identifier: theirs.username, password: PASSWORD })).ok).toBe(false);
    },
  },
  {
    name: 'a link is good for as long as its mail says, also when the account would have waited no longer',
    clock: true,
    run: async (world) => {
      const { email } = await registered(world);
      world.advance!(7 * 86_400_000 - 4 * 3_600_000);
      await expectOk(world.call(register, { email, password: PASSWORD }));
      const token = tokenIn((await world.mails(email))[0]);
      world.advance!(23 * 3_600_000);
      await expectOk(world.call(verifyEmail, { token }));
      world.advance!(7 * 86_400_000);
      await loggedIn(world, email);
    },
  },
  {
    name: 'of an address registered with two passwords neither is kept: its owner sets one from a mail',
    run: async (world) => {
      const { email } = await registered(world);
      const theirs = 'the second of two sentences';
      await expectOk(world.call(register, { email, password: theirs }));
      await expectOk(world.call(verifyEmail, { token: tokenIn((await world.mails(email))[0]) }));
      for (const password of [PASSWORD, theirs]) {
        expect((await world.call(login, { identifier: email, password })).code).toBe('invalid_credentials');
      }
      // the failed logins are told, too
      const mails = await world.mails(email);
      const token = tokenIn(mails.find(({ text }) => text.includes('?token=')));
      await expectOk(world.call(resetPassword, { token, new_password: 'an unrelated long sentence' }));
      await loggedIn(world, email, { password: 'an unrelated long sentence' });
    },
  },
  {
    name: 'a verification token works once, for its purpose only, and twenty at once verify once',
    run: async (world) => {
      const { token } = await registered(world);
      const misused = await world.call(resetPassword, { token, new_password: 'an unrelated long sentence' });
      expect(misused.code).toBe('invalid_token');
      const outcomes = await Promise.all(Array.from({ length: 20 }, () => world.call(verifyEmail, { token })));
      expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1);
      expect(new Set(outcomes.filter(({ ok }) => !ok).map(({ code }) => code))).toEqual(new Set(['invalid_token']));
    },
  },
  {
    name: 'a verification token dies after a day',
    clock: true,
    run: async (world) => {
      const { token } = await registered(world);
      world.advance!(86_400_000);
      expect((await world.call(verifyEmail, { token })).code).toBe('invalid_token');
    },
  },
  {
    name: 'an account that nobody verifies is gone after a week; one that is verified stays',
    clock: true,
    run: async (world) => {
      const username = `n${newEmail().slice(1, 20)}`;
      const kept = await verified(world);
      const { email } = await registered(world, { username });
      world.advance!(7 * 86_400_000);
      await loggedIn(world, kept.email);
      await verified(world, { username });
      await verified(world, { email });
    },
  },
  {
    name: 'two registrations of one address at once make one account',
    run: async (world) => {
      const email = newEmail();
      const outcomes = await Promise.all(
        Array.from({ length: 5 }, () => world.call(register, { email, password: PASSWORD })),
      );
      expect(outcomes.every(({ ok }) => ok)).toBe(true);
      await expectOk(world.call(verifyEmail, { token: tokenIn((await world.mails(email))[0]) }));
      await loggedIn(world, email);
    },
  },
  {
    name: 'a user name that is taken is left out, and only the mail says so',
    run: async (world) => {
      const username = `n${newEmail().slice(1, 20)}`;
      await verified(world, { username });
      const email = newEmail();
      const answer = await world.call(register, { email, password: PASSWORD, username: username.toUpperCase() });
      expect(answer).toMatchObject({ ok: true, body: { status: 'pending_verification' } });
      const [mail] = await world.mails(email);
      expect(mail?.text).toMatch(/user name .* somebody else/);
    },
  },
  {
    name: 'a password that is short, common or made of context words is refused with the reason',
    run: async (world) => {
      const email = newEmail();
      for (const password of ['too short', 'passwordpassword', `${email.split('@')[0]}`, '😀'.repeat(14)]) {
        const { code, errors } = await world.call(register, { email, password });
        expect([password, code]).toEqual([password, 'password_refused']);
        expect(errors?.[0]).toMatchObject({ path: 'password', message: expect.stringMatching(/\w/) });
      }
      expect(await world.mails(email)).toEqual([]);
    },
  },
  {
    name: 'a password made of the own names is refused, at the registration and later; so is a reserved user name',
    run: async (world) => {
      const names = { first_name: 'Wilhelmina', last_name: 'Oppenheimer' };
      const password = 'WilhelminaOppenheimer';
      const refused = await world.call(register, { email: newEmail(), password, ...names });
      expect(refused).toMatchObject({ code: 'password_refused', errors: [{ path: 'password' }] });
      const { access_token: token } = await userWithSession(world, names);
      const change = { current_password: PASSWORD, new_password: password };
      expect((await world.call(changePassword, change, { token })).code).toBe('password_refused');
      for (const username of ['admin', 'Root', 'perfect21', 'sup-port', 'no.reply']) {
        const answer = await world.call(register, { email: newEmail(), password: PASSWORD, username });
        expect(answer).toMatchObject({ code: 'invalid_request', errors: [{ path: 'username' }] });
        expect((await world.call(updateMe, { username }, { token })).code).toBe('invalid_request');
      }
    },
  },
  {
    name: 'fields that nobody asked for, and values out of form, are refused by name',
    run: async (world) => {
      const email = newEmail();
      const { code, errors } = await world.call(register, {
        email,
        password: PASSWORD,
        status: 'active',
        verified: true,
      });
      expect(code).toBe('invalid_request');
      expect(errors?.map(({ path }) => path).sort()).toEqual(['status', 'verified']);
      for (const bad of [
        { email: 'nobody' },
        { email: 'a@b@c' },
        { username: 'a@b.c' },
        { phone_number: '123' },
        { locale: '../x' },
      ]) {
        const outcome = await world.call(register, { email, password: PASSWORD, ...bad });
        expect(outcome).toMatchObject({ code: 'invalid_request', errors: [{ path: Object.keys(bad)[0] }] });
      }
      expect(await world.mails(email)).toEqual([]);
    },
  },
  {
    name: 'a Chinese reader gets a Chinese mail',
    run: async (world) => {
      const email = newEmail();
      await expectOk(world.call(register, { email, password: PASSWORD, locale: 'zh-CN' }));
      expect((await world.mails(email))[0]?.subject).toMatch(/\p{Script=Han}/u);
    },
  },
];
