import { decodeJwt } from 'jose';
import { expect } from 'vitest';
import { confirmPasskey } from '../../../functions/auth/confirm-passkey.ts';
import { forgotPassword } from '../../../functions/auth/forgot-password.ts';
import { getFactors } from '../../../functions/auth/get-factors.ts';
import { login } from '../../../functions/auth/login.ts';
import { loginWithPasskey } from '../../../functions/auth/login-with-passkey.ts';
import { refresh } from '../../../functions/auth/refresh.ts';
import { removePasskey } from '../../../functions/auth/remove-passkey.ts';
import { resetFactors } from '../../../functions/auth/reset-factors.ts';
import { resetPassword } from '../../../functions/auth/reset-password.ts';
import { startPasskey } from '../../../functions/auth/start-passkey.ts';
import { startPasskeyLogin } from '../../../functions/auth/start-passkey-login.ts';
import { validateToken } from '../../../functions/auth/validate-token.ts';
import { reportNotMe } from '../../../functions/users/report-not-me.ts';
import { updateUserStatus } from '../../../functions/users/update-user-status.ts';
import { userWithApp } from '../authenticator.ts';
import { addPasskey, assertionOf, type Odd, type SoftPasskey, softPasskey, userWithPasskey } from '../passkey.ts';
import { type Case, expectOk, PASSWORD, tokenIn, userWithSession, type World } from '../world.ts';

const enter = async (world: World, passkey: SoftPasskey, odd?: Odd) =>
  world.call(loginWithPasskey, await assertionOf(world, passkey, odd));

/** Answers of no page of ours, of no authenticator that asked, or of one for somebody else. */
const ODD: readonly [string, Odd, 'invalid_request' | 'invalid_token' | 'invalid_credentials'][] = [
  ['another site', { origin: 'http://localhost:8080.evil.example' }, 'invalid_request'],
  ['another port', { origin: 'http://localhost:8443' }, 'invalid_request'],
  ['another spelling', { origin: 'http://LOCALHOST:8080' }, 'invalid_request'],
  ['no site', { origin: 'null' }, 'invalid_request'],
  ['a page within a page', { client: { crossOrigin: true } }, 'invalid_request'],
  ['a page above', { client: { topOrigin: 'https://evil.example' } }, 'invalid_request'],
  ['another relying party', { rp_id: 'evil.example' }, 'invalid_request'],
  ['nobody touched it', { flags: 4 | 8 }, 'invalid_request'],
  ['nobody was asked who it is', { flags: 1 | 8 }, 'invalid_request'],
  ['a copy of what may not be copied', { flags: 1 | 4 | 16 }, 'invalid_request'],
  ['the other ceremony', { type: 'webauthn.create' }, 'invalid_token'],
  ['a challenge of its own', { challenge: Buffer.alloc(38).toString('base64url') }, 'invalid_token'],
  ['an authenticator that may be copied no more', { flags: 1 | 4 }, 'invalid_credentials'],
  ['another user', { userHandle: 'c29tZWJvZHkgZWxzZQ' }, 'invalid_credentials'],
];

export const passkeys: Case[] = [
  {
    name: 'a passkey logs in without a password and without a code; the tokens say how it was proven',
    run: async (world) => {
      const { user_id, email, access_token: token } = await userWithApp(world);
      const options = await expectOk(world.call(startPasskey, {}, { token }));
      expect(options).toMatchObject({
        rp: { id: 'localhost' },
        user: { name: email },
        pubKeyCredParams: [{ alg: -8 }, { alg: -7 }, { alg: -257 }],
        excludeCredentials: [],
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        attestation: 'none',
      });
      expect(options.user.id).not.toContain(user_id);
      const passkey = softPasskey(options.user.id);
      const made = await expectOk(
        world.call(confirmPasskey, { ...passkey.registration(options), name: 'my phone' }, { token }),
      );
      expect(made).toEqual({ id: passkey.id, name: 'my phone', created_at: expect.any(Number), backed_up: false });
      const [mail] = await world.mails(email);
      expect(mail!.text).toContain('A passkey was added to your account');
      const tokens = await expectOk(enter(world, passkey));
      expect(tokens).toMatchObject({ user_id, token_type: 'Bearer' });
      expect(decodeJwt(tokens.access_token)).toMatchObject({ amr: ['pop', 'mfa'], acr: 'aal2' });
      expect((await expectOk(world.call(validateToken, { token: tokens.access_token }))).valid).toBe(true);
      const { passkeys: shown } = await expectOk(world.call(getFactors, {}, { token }));
      expect(shown).toEqual([{ ...made, last_used_at: expect.any(Number) }]);
      const again = await expectOk(world.call(startPasskey, {}, { token }));
      expect(again.excludeCredentials).toEqual([{ type: 'public-key', id: passkey.id, transports: ['internal'] }]);
    },
  },
  {
    name: 'options of a login name nobody, and a challenge is good once, for whatever comes of it',
    run: async (world) => {
      const { passkey } = await userWithPasskey(world);
      const options = await expectOk(world.call(startPasskeyLogin, {}));
      expect(options).toMatchObject({ rpId: 'localhost', allowCredentials: [], userVerification: 'required' });
      const assertion = passkey.assertion(options);
      await expectOk(world.call(loginWithPasskey, assertion));
      expect((await world.call(loginWithPasskey, assertion)).code).toBe('invalid_token');
      const others = await expectOk(world.call(startPasskeyLogin, {}));
      expect((await world.call(loginWithPasskey, passkey.assertion(others, { flags: 1 }))).code).toBe(
        'invalid_request',
      );
      expect((await world.call(loginWithPasskey, passkey.assertion(others))).code).toBe('invalid_token');
      const many = await expectOk(world.call(startPasskeyLogin, {}));
      const at_once = await Promise.all([1, 2, 3].map(() => world.call(loginWithPasskey, passkey.assertion(many))));
      expect(at_once.filter(({ ok }) => ok)).toHaveLength(1);
    },
  },
  {
    name: 'what comes from no page of ours, or of an authenticator that did not ask who it is, is refused',
    run: async (world) => {
      const { passkey } = await userWithPasskey(world);
      for (const [what, odd, code] of ODD)
        expect([what, (await enter(world, passkey, odd)).code]).toEqual([what, code]);
      const { access_token: token } = await userWithSession(world);
      for (const [what, odd, code] of ODD.slice(0, 11)) {
        const options = await expectOk(world.call(startPasskey, {}, { token }));
        const made = softPasskey(options.user.id).registration(options, { ...odd, type: odd.type && 'webauthn.get' });
        expect([what, (await world.call(confirmPasskey, made, { token })).code]).toEqual([what, code]);
      }
      expect((await expectOk(world.call(getFactors, {}, { token }))).passkeys).toEqual([]);
    },
  },
  {
    name: 'another key, a signature with a bit turned, and a passkey that nobody has are refused alike',
    run: async (world) => {
      const { passkey } = await userWithPasskey(world);
      const stranger = softPasskey('nobody');
      const refused: any[] = [
        await assertionOf(world, stranger),
        { ...(await assertionOf(world, stranger)), id: passkey.id },
      ];
      const turned = await assertionOf(world, passkey);
      const signature = Buffer.from(turned.response.signature, 'base64url');
      signature[signature.length - 1]! ^= 1;
      refused.push({ ...turned, response: { ...turned.response, signature: signature.toString('base64url') } });
      const outcomes = await Promise.all(refused.map((input) => world.call(loginWithPasskey, input)));
      expect(new Set(outcomes.map(({ code }) => code))).toEqual(new Set(['invalid_credentials']));
    },
  },
  {
    name: 'options are for the session that asked, and a credential is of one account for ever',
    run: async (world) => {
      const [mine, theirs] = [await userWithSession(world), await userWithSession(world)];
      const options = await expectOk(world.call(startPasskey, {}, { token: mine.access_token }));
      const passkey = softPasskey(options.user.id);
      const made = passkey.registration(options);
      expect((await world.call(confirmPasskey, made, { token: theirs.access_token })).code).toBe('invalid_token');
      await expectOk(world.call(confirmPasskey, made, { token: mine.access_token }));
      const others = await expectOk(world.call(startPasskey, {}, { token: theirs.access_token }));
      const again = await world.call(confirmPasskey, passkey.registration(others), { token: theirs.access_token });
      expect(again.code).toBe('already_exists');
      expect((await expectOk(enter(world, passkey))).user_id).toBe(mine.user_id);
    },
  },
  {
    name: 'a count that does not grow is of a copy: it is refused, and the owner is told',
    run: async (world) => {
      const { passkey, email } = await userWithPasskey(world, { counts: true });
      await expectOk(enter(world, passkey));
      expect((await enter(world, passkey, { counter: 2 })).code).toBe('invalid_credentials');
      expect((await world.mails(email)).map(({ text }) => text).join()).toContain('a copy of a passkey of yours');
      await expectOk(enter(world, passkey));
    },
  },
  {
    name: 'guesses at the password do not lock a passkey, and an account that is closed it does not open',
    run: async (world) => {
      const { passkey, email, user_id } = await userWithPasskey(world);
      for (let n = 0; n < 11; n++) await world.call(login, { identifier: email, password: `${PASSWORD}${n}` });
      await expectOk(enter(world, passkey));
      const set = (status: string) => world.call(updateUserStatus, { user_id, status }, { token: world.service_token });
      await expectOk(set('suspended'));
      expect((await enter(world, passkey)).code).toBe('invalid_credentials');
      await expectOk(set('active'));
      await expectOk(enter(world, passkey));
    },
  },
  {
    name: 'who removes one is told, and it opens nothing any more; an administrator removes all of them',
    run: async (world) => {
      const { passkey, email, user_id, access_token: token } = await userWithPasskey(world);
      const other = await addPasskey(world, token);
      const stranger = await userWithSession(world);
      const gone = (by: string) => world.call(removePasskey, { id: passkey.id }, { token: by });
      expect((await gone(stranger.access_token)).code).toBe('not_found');
      await expectOk(gone(token));
      expect((await gone(token)).code).toBe('not_found');
      expect((await world.mails(email))[0]!.text).toContain('A passkey of your account was removed');
      expect((await enter(world, passkey)).code).toBe('invalid_credentials');
      await expectOk(enter(world, other));
      await expectOk(world.call(resetFactors, { user_id }, { token: world.service_token }));
      expect((await enter(world, other)).code).toBe('invalid_credentials');
    },
  },
  {
    name: 'setting one up and removing it ask for a login of the last 15 minutes',
    clock: true,
    run: async (world) => {
      const { passkey, access_token: token } = await userWithPasskey(world);
      world.advance!(14 * 60_000);
      const { access_token: late, refresh_token } = await expectOk(enter(world, passkey));
      await expectOk(world.call(startPasskey, {}, { token: late }));
      await expectOk(world.call(startPasskey, {}, { token }));
      world.advance!(14 * 60_000);
      const { access_token: renewed } = await expectOk(
        world.call(refresh, { refresh_token }, { token: world.service_token }),
      );
      await expectOk(world.call(startPasskey, {}, { token: renewed }));
      world.advance!(2 * 60_000);
      for (const asked of [
        () => world.call(startPasskey, {}, { token: renewed }),
        () => world.call(removePasskey, { id: passkey.id }, { token: renewed }),
      ]) {
        expect((await asked()).code).toBe('forbidden');
      }
    },
  },
  {
    name: 'after a reset of the password, and after "this was not me", no passkey of before opens the account',
    clock: true,
    run: async (world) => {
      const { passkey, email } = await userWithPasskey(world);
      world.advance!(2_000);
      await expectOk(world.call(forgotPassword, { email }));
      const token = tokenIn((await world.mails(email)).find(({ text }) => text.includes('reset-password')));
      await expectOk(world.call(resetPassword, { token, new_password: 'quiet tractors hum in violet' }));
      expect((await enter(world, passkey)).code).toBe('invalid_credentials');
      const session = await expectOk(
        world.call(login, { identifier: email, password: 'quiet tractors hum in violet' }),
      );
      expect((await expectOk(world.call(getFactors, {}, { token: session.access_token }))).passkeys).toEqual([]);
      world.advance!(2_000);
      const next = await addPasskey(world, session.access_token);
      const { access_token } = await expectOk(enter(world, next));
      world.advance!(2_000);
      await expectOk(world.call(reportNotMe, {}, { token: access_token }));
      expect((await enter(world, next)).code).toBe('invalid_credentials');
    },
  },
];
