import { expect } from 'vitest';
import { forgotPassword } from '../../../functions/auth/forgot-password.ts';
import { login as logIn } from '../../../functions/auth/login.ts';
import { resetPassword } from '../../../functions/auth/reset-password.ts';
import { validateCredentials } from '../../../functions/auth/validate-credentials.ts';
import { type Case, expectOk, loggedIn, newEmail, PASSWORD, registered, tokenIn, verified } from '../world.ts';

export const login: Case[] = [
  {
    name: 'unknown, wrong, unverified and malformed identifiers get one and the same answer',
    run: async (world) => {
      const { email } = await verified(world);
      const waiting = await registered(world);
      const answers = await Promise.all([
        world.call(logIn, { identifier: newEmail(), password: PASSWORD }),
        world.call(logIn, { identifier: email, password: 'not the right sentence' }),
        world.call(logIn, { identifier: waiting.email, password: PASSWORD }),
        world.call(logIn, { identifier: 'no such name', password: PASSWORD }),
      ]);
      expect(answers.map(({ code }) => code)).toEqual(Array(4).fill('invalid_credentials'));
      expect(new Set(answers.map(({ errors }) => JSON.stringify(errors ?? null))).size).toBe(1);
    },
  },
  {
    name: 'an address or user name is known in any case, a password only as it is',
    run: async (world) => {
      const username = `N${newEmail().slice(1, 20)}`;
      const { email } = await verified(world, { username });
      await loggedIn(world, email.toUpperCase());
      await loggedIn(world, username.toLowerCase());
      expect((await world.call(logIn, { identifier: email, password: PASSWORD.toUpperCase() })).code).toBe(
        'invalid_credentials',
      );
      expect((await world.call(logIn, { identifier: email, password: `${PASSWORD} ` })).code).toBe(
        'invalid_credentials',
      );
    },
  },
  {
    name: 'a password typed in another Unicode form is the same password',
    run: async (world) => {
      const password = 'Überraschend grüne Äpfel';
      const { email } = await verified(world, { password: password.normalize('NFC') });
      await loggedIn(world, email, { password: password.normalize('NFD') });
    },
  },
  {
    name: 'after ten failures even the right password is refused, its owner is told, and the window ends by itself',
    clock: true,
    run: async (world) => {
      const { email } = await verified(world);
      const guesses = await Promise.all(
        Array.from({ length: 12 }, (_, n) =>
          world.call(logIn, { identifier: email, password: `guess number ${n} of many` }),
        ),
      );
      expect(new Set(guesses.map(({ code }) => code))).toEqual(new Set(['invalid_credentials']));
      expect((await world.call(logIn, { identifier: email, password: PASSWORD })).code).toBe('invalid_credentials');
      const subjects = (await world.mails(email)).map(({ subject }) => subject);
      expect(subjects.slice(0, -1).sort()).toEqual([
        'A login to your account failed',
        'Logins to your account are paused',
      ]);
      world.advance!(900_000);
      await loggedIn(world, email);
    },
  },
  {
    name: 'a stranger can not keep an owner out for long: the window ends, and a reset opens at once',
    clock: true,
    run: async (world) => {
      const { email } = await verified(world);
      for (let n = 0; n < 105; n++)
        await world.call(logIn, { identifier: email, password: `guess number ${n} of many` });
      world.advance!(900_000);
      await loggedIn(world, email);
      for (let n = 0; n < 12; n++)
        await world.call(logIn, { identifier: email, password: `guess number ${n} of many` });
      await expectOk(world.call(forgotPassword, { email }));
      const token = tokenIn((await world.mails(email)).find(({ text }) => text.includes('reset-password')));
      await expectOk(world.call(resetPassword, { token, new_password: 'an unrelated long sentence' }));
      await loggedIn(world, email, { password: 'an unrelated long sentence' });
    },
  },
  {
    name: 'right logins at once do not buy room for guesses',
    run: async (world) => {
      const { email } = await verified(world);
      await Promise.all(Array.from({ length: 10 }, () => loggedIn(world, email)));
      for (let n = 0; n < 11; n++)
        await world.call(logIn, { identifier: email, password: `guess number ${n} of many` });
      expect((await world.call(logIn, { identifier: email, password: PASSWORD })).code).toBe('invalid_credentials');
    },
  },
  {
    name: 'a right login clears the count of failures',
    run: async (world) => {
      const { email } = await verified(world);
      for (let round = 0; round < 2; round++) {
        for (let n = 0; n < 6; n++) await world.call(logIn, { identifier: email, password: `wrong guess ${n} again` });
        await loggedIn(world, email);
      }
    },
  },
  {
    name: 'a service learns whether credentials are right, without a session; nobody else may ask',
    run: async (world) => {
      const { email, user_id } = await verified(world);
      const token = world.service_token;
      const right = await expectOk(
        world.call(validateCredentials, { identifier: email, password: PASSWORD }, { token }),
      );
      expect(right).toMatchObject({ valid: true, user_id, mfa_required: false });
      const wrong = await expectOk(
        world.call(validateCredentials, { identifier: email, password: 'x'.repeat(20) }, { token }),
      );
      expect(wrong).toMatchObject({ valid: false, user_id: '', error_message: 'invalid_credentials' });
      const { access_token } = await loggedIn(world, email);
      const credentials = { identifier: email, password: PASSWORD };
      expect((await world.call(validateCredentials, credentials, { token: access_token })).code).toBe('forbidden');
      expect((await world.call(validateCredentials, credentials)).code).toBe('unauthenticated');
    },
  },
];
