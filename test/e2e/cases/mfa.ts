import { decodeJwt } from 'jose';
import { expect } from 'vitest';
import { confirmTotp } from '../../../functions/auth/confirm-totp.ts';
import { forgotPassword } from '../../../functions/auth/forgot-password.ts';
import { getFactors } from '../../../functions/auth/get-factors.ts';
import { login } from '../../../functions/auth/login.ts';
import { newRecoveryCodes } from '../../../functions/auth/new-recovery-codes.ts';
import { refresh } from '../../../functions/auth/refresh.ts';
import { removeTotp } from '../../../functions/auth/remove-totp.ts';
import { resetFactors } from '../../../functions/auth/reset-factors.ts';
import { resetPassword } from '../../../functions/auth/reset-password.ts';
import { startTotp } from '../../../functions/auth/start-totp.ts';
import { validateCredentials } from '../../../functions/auth/validate-credentials.ts';
import { validateToken } from '../../../functions/auth/validate-token.ts';
import { verifyMfa } from '../../../functions/auth/verify-mfa.ts';
import { getMe } from '../../../functions/users/get-me.ts';
import { authenticatorOf, confirmApp, mfaToken, userWithApp } from '../authenticator.ts';
import { type Case, expectOk, loggedIn, PASSWORD, tokenIn, userWithSession, type World } from '../world.ts';

const isValid = async (world: World, token: string): Promise<boolean> =>
  (await expectOk(world.call(validateToken, { token }))).valid;

export const mfa: Case[] = [
  {
    name: 'who lost the app and the codes is let in again by an administrator, and told; every session ends',
    run: async (world) => {
      const { email, user_id, access_token } = await userWithApp(world);
      const clerk = await userWithSession(world);
      const reset = (token: string) => world.call(resetFactors, { user_id }, { token });
      expect((await reset(clerk.access_token)).code).toBe('forbidden');
      await expectOk(reset(world.service_token));
      expect((await reset(world.service_token)).code).toBe('not_found');
      expect((await loggedIn(world, email)).access_token).toEqual(expect.any(String));
      const [mail] = await world.mails(email);
      expect(mail!.text).toContain('Your password alone opens it now');
      // where the call could not end them, the event that the mail comes of does
      expect(await isValid(world, access_token)).toBe(false);
    },
  },
  {
    name: 'a login with a second factor takes two steps, or one with a code; the tokens say how it was proven',
    run: async (world) => {
      const { email, user_id, app } = await userWithApp(world);
      const wanted = await expectOk(world.call(login, { identifier: email, password: PASSWORD }));
      expect(wanted).toEqual({
        mfa_required: true,
        mfa_token: expect.stringMatching(/^p21m_/),
        methods: ['totp', 'recovery_code'],
      });
      const tokens = await expectOk(world.call(verifyMfa, { mfa_token: wanted.mfa_token, code: app.code() }));
      expect(await isValid(world, tokens.access_token)).toBe(true);
      const claims = { sub: user_id, amr: ['pwd', 'otp', 'mfa'], acr: 'aal2', auth_time: expect.any(Number) };
      expect(decodeJwt(tokens.access_token)).toMatchObject(claims);
      const next = await expectOk(
        world.call(refresh, { refresh_token: tokens.refresh_token }, { token: world.service_token }),
      );
      expect(decodeJwt(next.access_token)).toMatchObject(claims);
      const code = app.code().replace(/(...)/, '$1 ');
      const once = await expectOk(world.call(login, { identifier: email, password: PASSWORD, mfa_code: code }));
      expect(await isValid(world, once.access_token)).toBe(true);
    },
  },
  {
    name: 'without a factor nobody is asked for a code, and the tokens say so',
    run: async (world) => {
      const { email } = await userWithSession(world);
      const { access_token } = await expectOk(
        world.call(login, { identifier: email, password: PASSWORD, mfa_code: '123456' }),
      );
      expect(decodeJwt(access_token)).toMatchObject({ amr: ['pwd'], acr: 'aal1' });
    },
  },
  {
    name: 'setting up an app ends the other sessions, keeps this one, is told, and shows in the profile',
    run: async (world) => {
      const user = await userWithSession(world);
      const other = await loggedIn(world, user.email);
      const token = user.access_token;
      const started = await expectOk(world.call(startTotp, {}, { token }));
      const url = new URL(started.otpauth_url);
      const issuer = url.searchParams.get('issuer');
      expect([url.host, decodeURIComponent(url.pathname)]).toEqual(['totp', `/${issuer}:${user.email}`]);
      expect(url.searchParams.get('secret')).toBe(started.secret);
      expect(started.secret).toMatch(/^[A-Z2-7]{32}$/);
      // nobody is asked for a code before one was seen
      await loggedIn(world, user.email);
      const again = await expectOk(world.call(startTotp, {}, { token }));
      expect(again.secret).not.toBe(started.secret);
      const old = await world.call(confirmTotp, { code: authenticatorOf(world, started.secret).code() }, { token });
      expect(old.code).toBe('invalid_mfa_code');
      const app = authenticatorOf(world, again.secret);
      const { recovery_codes } = await confirmApp(world, app, token);
      expect(recovery_codes).toHaveLength(10);
      expect(new Set(recovery_codes).size).toBe(10);
      for (const each of recovery_codes) expect(each).toMatch(/^([a-z2-7]{4}-){5}[a-z2-7]{4}$/);
      expect([await isValid(world, other.access_token), await isValid(world, token)]).toEqual([false, true]);
      expect((await expectOk(world.call(getMe, {}, { token }))).mfa_enabled).toBe(true);
      expect(await expectOk(world.call(getFactors, {}, { token }))).toEqual({
        factors: [{ method: 'totp', confirmed_at: expect.any(Number) }],
        recovery_codes_left: 10,
        passkeys: [],
      });
      const [mail] = await world.mails(user.email);
      expect(mail?.subject).toBe('Two-factor authentication is on');
      expect(mail?.text).not.toContain(again.secret);
      expect((await world.call(startTotp, {}, { token })).code).toBe('already_exists');
      await expectOk(world.call(refresh, { refresh_token: user.refresh_token }, { token: world.service_token }));
    },
  },
  {
    name: 'a code works once, also when twenty try at once, and a neighbour of its time step works as well',
    clock: true,
    run: async (world) => {
      const { email, app } = await userWithApp(world);
      world.advance!(90_000);
      const code = app.at(0);
      const token = await mfaToken(world, email);
      const tries = await Promise.all(
        Array.from({ length: 4 }, async () => (await world.call(verifyMfa, { mfa_token: token, code })).ok),
      );
      const more = await Promise.all(
        Array.from({ length: 16 }, async () => {
          const outcome = await world.call(login, { identifier: email, password: PASSWORD, mfa_code: code });
          return outcome.ok;
        }),
      );
      expect([...tries, ...more].filter(Boolean)).toHaveLength(1);
      world.advance!(900_000);
      const logIn = (mfa_code: string) => world.call(login, { identifier: email, password: PASSWORD, mfa_code });
      expect((await logIn(app.at(-2))).code).toBe('invalid_mfa_code');
      expect((await logIn(app.at(2))).code).toBe('invalid_mfa_code');
      expect((await logIn(app.at(-1))).ok).toBe(true);
      expect((await logIn(app.at(1))).ok).toBe(true);
      // none that is older than the last one
      expect((await logIn(app.at(0))).code).toBe('invalid_mfa_code');
    },
  },
  {
    name: 'a recovery code works once, in any spelling, and its use is told; new ones make the old void',
    run: async (world) => {
      const { email, access_token: token, recovery_codes, app } = await userWithApp(world);
      const [first, second] = recovery_codes as [string, string];
      const logIn = (mfa_code: string) => world.call(login, { identifier: email, password: PASSWORD, mfa_code });
      expect((await logIn(first.toUpperCase().replaceAll('-', ' '))).ok).toBe(true);
      expect((await logIn(first)).code).toBe('invalid_mfa_code');
      const texts = (await world.mails(email)).map(({ text }) => text);
      expect(texts.some((text) => text.includes('recovery code'))).toBe(true);
      const made = await expectOk(world.call(newRecoveryCodes, { code: app.code() }, { token }));
      expect(made.recovery_codes).toHaveLength(10);
      expect((await logIn(second)).code).toBe('invalid_mfa_code');
      expect((await logIn(made.recovery_codes[0])).ok).toBe(true);
    },
  },
  {
    name: 'a token of a first step is good for five codes, for its client, and for five minutes',
    clock: true,
    run: async (world) => {
      const { email, app } = await userWithApp(world);
      const verify = (mfa_token: string, code: string, user_agent?: string) =>
        world.call(verifyMfa, { mfa_token, code }, { user_agent });
      const guessed = await mfaToken(world, email);
      for (let n = 0; n < 5; n++) expect((await verify(guessed, '000000')).code).toBe('invalid_mfa_code');
      expect((await verify(guessed, app.code())).code).toBe('invalid_mfa_token');
      const taken = await mfaToken(world, email);
      expect((await verify(taken, app.code(), 'another client')).code).toBe('invalid_mfa_token');
      const late = await mfaToken(world, email);
      world.advance!(300_000);
      expect((await verify(late, app.code())).code).toBe('invalid_mfa_token');
      const spent = await mfaToken(world, email);
      await expectOk(verify(spent, app.code()));
      expect((await verify(spent, app.code())).code).toBe('invalid_mfa_token');
      expect((await verify(`${spent.slice(0, -2)}AA`, app.code())).code).toBe('invalid_mfa_token');
      const asRefresh = await world.call(refresh, { refresh_token: spent }, { token: world.service_token });
      expect(asRefresh.code).toBe('invalid_refresh_token');
    },
  },
  {
    name: 'whoever guesses codes is held up, and the owner hears of it; another password makes a first step void',
    clock: true,
    run: async (world) => {
      const { email, app } = await userWithApp(world);
      const logIn = (mfa_code: string) => world.call(login, { identifier: email, password: PASSWORD, mfa_code });
      const tries = await Promise.all(Array.from({ length: 10 }, () => logIn('no-code')));
      expect(new Set(tries.map(({ code }) => code))).toEqual(new Set(['invalid_mfa_code']));
      expect((await logIn(app.code())).code).toBe('too_many_requests');
      const texts = (await world.mails(email)).map(({ text }) => text).join();
      expect(texts).toContain('knows your password');
      world.advance!(900_000);
      const waiting = await mfaToken(world, email);
      await expectOk(world.call(forgotPassword, { email }));
      const reset = tokenIn((await world.mails(email)).find(({ text }) => text.includes('reset-password')));
      await expectOk(world.call(resetPassword, { token: reset, new_password: 'an unrelated long sentence' }));
      expect((await world.call(verifyMfa, { mfa_token: waiting, code: app.code() })).code).toBe('invalid_mfa_token');
      const next = await expectOk(world.call(login, { identifier: email, password: 'an unrelated long sentence' }));
      expect(next).toMatchObject({ mfa_required: true });
    },
  },
  {
    name: 'removing the app asks for a code, ends the other sessions, and is told',
    run: async (world) => {
      const { email, access_token, app } = await userWithApp(world);
      const once = { identifier: email, password: PASSWORD };
      const { access_token: other } = await expectOk(world.call(login, { ...once, mfa_code: app.code() }));
      expect((await world.call(removeTotp, { code: 'no-code' }, { token: access_token })).code).toBe(
        'invalid_mfa_code',
      );
      await expectOk(world.call(removeTotp, { code: app.code() }, { token: access_token }));
      // by then the event has ended what the call itself had no time for
      expect((await world.mails(email))[0]?.subject).toBe('Two-factor authentication is off');
      expect([await isValid(world, other), await isValid(world, access_token)]).toEqual([false, true]);
      expect((await expectOk(world.call(getMe, {}, { token: access_token }))).mfa_enabled).toBe(false);
      await loggedIn(world, email);
    },
  },
  {
    name: 'changing a factor asks for a login of the last 15 minutes',
    clock: true,
    run: async (world) => {
      const { access_token: later } = await userWithSession(world);
      world.advance!(14 * 60_000 + 50_000);
      await expectOk(world.call(startTotp, {}, { token: later }));
      world.advance!(11_000);
      for (const op of [startTotp, confirmTotp, removeTotp, newRecoveryCodes]) {
        const outcome = await world.call(op, op === startTotp ? {} : { code: '000000' }, { token: later });
        expect(['forbidden', 'unauthenticated']).toContain(outcome.code);
      }
    },
  },
  {
    name: 'a service learns that a code is missing; a password alone is not valid',
    run: async (world) => {
      const { email, user_id, app } = await userWithApp(world);
      const validate = (more: object) =>
        expectOk(
          world.call(
            validateCredentials,
            { identifier: email, password: PASSWORD, ...more },
            { token: world.service_token },
          ),
        );
      const refused = { valid: false, user_id: '', mfa_required: true, warnings: [] };
      expect(await validate({})).toEqual({ ...refused, error_message: 'mfa_required' });
      expect(await validate({ mfa_code: '' })).toEqual({ ...refused, error_message: 'mfa_required' });
      expect(await validate({ mfa_code: 'no-code' })).toEqual({ ...refused, error_message: 'invalid_mfa_code' });
      const code = app.code();
      expect(await validate({ mfa_code: code })).toMatchObject({ valid: true, user_id, mfa_required: true });
      expect(await validate({ mfa_code: code })).toMatchObject({ valid: false, error_message: 'invalid_mfa_code' });
    },
  },
];
