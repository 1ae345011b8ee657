import { expect } from 'vitest';
import { login } from '../../../functions/auth/login.ts';
import { logout } from '../../../functions/auth/logout.ts';
import { refresh } from '../../../functions/auth/refresh.ts';
import { revoke } from '../../../functions/auth/revoke.ts';
import { validateToken } from '../../../functions/auth/validate-token.ts';
import { validateTokens } from '../../../functions/auth/validate-tokens.ts';
import { listSessions } from '../../../functions/sessions/list-sessions.ts';
import { updateUserStatus } from '../../../functions/users/update-user-status.ts';
import { type Case, expectOk, loggedIn, PASSWORD, userWithSession, verified, type World } from '../world.ts';

const verdict = async (world: World, token: string) => expectOk(world.call(validateToken, { token }));

/** One character in the middle is another. */
const changed = (text: string): string =>
  text.replace(/^(.{20})(.)/, (_, head, one) => `${head}${one === 'A' ? 'B' : 'A'}`);

const forged = (token: string): string =>
  token.replace(/.(.{21})$/, (_, rest) => `${token.at(-22) === 'A' ? 'B' : 'A'}${rest}`);

export const tokens: Case[] = [
  {
    name: 'a token is valid for its user until it expires',
    clock: true,
    run: async (world) => {
      const { access_token, user_id } = await userWithSession(world);
      expect(await verdict(world, access_token)).toMatchObject({ valid: true, user_id, error_message: '' });
      world.advance!(900_000);
      expect(await verdict(world, access_token)).toMatchObject({ valid: false, error_message: 'expired', user_id: '' });
    },
  },
  {
    name: 'what is no token of ours is an answer, not an error',
    run: async (world) => {
      const { access_token } = await userWithSession(world);
      const [header, payload, signature] = access_token.split('.');
      const bad = {
        malformed: ['', 'x', 'a.b', `${access_token}.`, `${access_token} `, 'x'.repeat(9000), `${header}.${payload}.`],
        bad_signature: [`${header}.${payload}.${changed(signature!)}`],
      };
      for (const [error_message, texts] of Object.entries(bad)) {
        for (const text of texts) {
          const answer = await verdict(world, text);
          expect([text.slice(-30), answer.valid, answer.error_message]).toEqual([
            text.slice(-30),
            false,
            error_message,
          ]);
        }
      }
    },
  },
  {
    name: 'a token says when its client is another than it was issued to; only what a service says makes logins risky',
    run: async (world) => {
      const user = await verified(world);
      const begin = (user_agent = 'phone/1', device_info: object = { device_id: 'one' }) =>
        expectOk(world.call(login, { identifier: user.email, password: PASSWORD, device_info }, { user_agent }));
      // not a new device, when it comes back
      await begin('desk/9', {});
      const first = await begin();
      const { sessions } = await expectOk(world.call(listSessions, {}, { token: first.access_token }));
      const here = sessions[0].ip_address;
      const token = world.name === 'gRPC' ? world.service_token : undefined;
      const warned = async (access_token: string, said: object) =>
        (await expectOk(world.call(validateToken, { token: access_token, ...said }, { token }))).warnings;
      const same = { client_ip: here, user_agent: 'phone/1', device_info: { device_id: 'one', name: 'Mine' } };
      expect(await warned(first.access_token, same)).toEqual([]);
      expect(await warned(first.access_token, { client_ip: here.replace(/\d+$/, '77') })).toEqual([]);
      expect(await warned(first.access_token, { client_ip: 'no address' })).toEqual([]);
      expect(await warned(first.access_token, { client_ip: '2001:db8::1' })).toEqual(['ip_changed']);
      expect(await warned(first.access_token, { user_agent: 'phone/2' })).toEqual(['device_changed']);
      expect(await warned(first.access_token, { device_info: { device_id: 'two' } })).toEqual(['device_changed']);
      const other = { client_ip: '203.0.113.9', user_agent: 'desk/1', device_info: { device_id: 'two' } };
      for (let n = 0; n < 5; n++)
        expect(await warned(first.access_token, other)).toEqual(['ip_changed', 'device_changed']);

      // a refresh is the client's word, too
      const by = { user_agent: 'desk/1', token };
      const next = await expectOk(
        world.call(refresh, { refresh_token: first.refresh_token, device_info: { device_id: 'two' } }, by),
      );
      expect(await warned(next.access_token, { user_agent: 'desk/1', device_info: { device_id: 'two' } })).toEqual([]);

      const risky = async () =>
        (await world.mails(user.email)).filter(({ subject }) => subject.startsWith('Security alert')).length;
      const second = await begin('desk/9', {});
      expect(await warned(second.access_token, { device_info: { device_id: 'three' } })).toEqual([]);
      // one session counts once, however often it is told: half of what is risky
      expect(await risky()).toBe(0);
      expect(await warned(second.access_token, other)).toEqual(['ip_changed', 'device_changed']);
      await begin('desk/9');
      expect(await risky()).toBe(world.name === 'gRPC' ? 1 : 0);
    },
  },
  {
    name: 'many tokens are answered in their order',
    run: async (world) => {
      const [one, two] = [await userWithSession(world), await userWithSession(world)];
      const { results } = await expectOk(
        world.call(
          validateTokens,
          { tokens: [one.access_token, 'nonsense', two.access_token] },
          { token: world.service_token },
        ),
      );
      expect(results.map(({ valid, user_id }: any) => [valid, user_id])).toEqual([
        [true, one.user_id],
        [false, ''],
        [true, two.user_id],
      ]);
      const tooMany = await world.call(
        validateTokens,
        { tokens: Array(1001).fill('x') },
        { token: world.service_token },
      );
      expect(tooMany.code).toBe('invalid_request');
    },
  },
  {
    name: 'a revoked access token is refused at once; its session goes on',
    run: async (world) => {
      const { access_token, refresh_token } = await userWithSession(world);
      await expectOk(world.call(revoke, { token: access_token }, { token: world.service_token }));
      expect(await verdict(world, access_token)).toMatchObject({ valid: false, error_message: 'revoked' });
      await expectOk(world.call(refresh, { refresh_token }, { token: world.service_token }));
    },
  },
  {
    name: 'revoking a refresh token ends its session and access tokens; revoking nonsense is answered alike',
    run: async (world) => {
      const { access_token, refresh_token } = await userWithSession(world);
      const token = world.service_token;
      const answer = await expectOk(
        world.call(revoke, { token: refresh_token, token_type_hint: 'refresh_token' }, { token }),
      );
      expect(await expectOk(world.call(revoke, { token: 'nonsense' }, { token }))).toEqual(answer);
      expect(await verdict(world, access_token)).toMatchObject({ valid: false, error_message: 'session_ended' });
      expect((await world.call(refresh, { refresh_token }, { token })).code).toBe('invalid_refresh_token');
    },
  },
  {
    name: 'logging out ends the session and its tokens',
    run: async (world) => {
      const { access_token, refresh_token } = await userWithSession(world);
      await expectOk(world.call(logout, {}, { token: access_token }));
      expect(await verdict(world, access_token)).toMatchObject({ valid: false, error_message: 'session_ended' });
      expect((await world.call(logout, {}, { token: access_token })).code).toBe('unauthenticated');
      expect((await world.call(refresh, { refresh_token }, { token: world.service_token })).code).toBe(
        'invalid_refresh_token',
      );
    },
  },
  {
    name: 'each refresh gives new tokens of the same session',
    run: async (world) => {
      const first = await userWithSession(world);
      const second = await expectOk(
        world.call(refresh, { refresh_token: first.refresh_token }, { token: world.service_token }),
      );
      expect(second.refresh_token).not.toBe(first.refresh_token);
      expect(await verdict(world, second.access_token)).toMatchObject({ valid: true, user_id: first.user_id });
    },
  },
  {
    name: 'a client that races itself gets one and the same successor',
    run: async (world) => {
      const { refresh_token } = await userWithSession(world);
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, () => world.call(refresh, { refresh_token }, { token: world.service_token })),
      );
      expect(outcomes.map(({ code }) => code)).toEqual(Array(20).fill(undefined));
      expect(new Set(outcomes.map(({ body }) => body.refresh_token)).size).toBe(1);
    },
  },
  {
    name: 'a spent refresh token presented late ends the session and alerts the owner',
    clock: true,
    run: async (world) => {
      const { email, refresh_token } = await userWithSession(world);
      const token = world.service_token;
      const second = await expectOk(world.call(refresh, { refresh_token }, { token }));
      world.advance!(10_001);
      expect((await world.call(refresh, { refresh_token }, { token })).code).toBe('invalid_refresh_token');
      expect(await verdict(world, second.access_token)).toMatchObject({ valid: false, error_message: 'session_ended' });
      expect((await world.call(refresh, { refresh_token: second.refresh_token }, { token })).code).toBe(
        'invalid_refresh_token',
      );
      expect(await world.mails(email)).toHaveLength(2);
    },
  },
  {
    name: 'a spent refresh token presented by another client ends the session even at once',
    run: async (world) => {
      const { access_token, refresh_token } = await userWithSession(world);
      const token = world.service_token;
      await expectOk(world.call(refresh, { refresh_token }, { token, user_agent: 'mine' }));
      expect((await world.call(refresh, { refresh_token }, { token, user_agent: 'thief' })).code).toBe(
        'invalid_refresh_token',
      );
      expect(await verdict(world, access_token)).toMatchObject({ error_message: 'session_ended' });
    },
  },
  {
    name: 'the grandparent of the current refresh token is a reuse even at once',
    run: async (world) => {
      const { refresh_token } = await userWithSession(world);
      const token = world.service_token;
      const second = await expectOk(world.call(refresh, { refresh_token }, { token }));
      const third = await expectOk(world.call(refresh, { refresh_token: second.refresh_token }, { token }));
      expect((await world.call(refresh, { refresh_token }, { token })).code).toBe('invalid_refresh_token');
      expect((await world.call(refresh, { refresh_token: third.refresh_token }, { token })).code).toBe(
        'invalid_refresh_token',
      );
    },
  },
  {
    name: 'a forged refresh token is refused and hurts nobody',
    run: async (world) => {
      const { access_token, refresh_token } = await userWithSession(world);
      const token = world.service_token;
      for (const text of [forged(refresh_token), 'p21r_', `${refresh_token}x`, access_token]) {
        expect((await world.call(refresh, { refresh_token: text.slice(0, 512) }, { token })).code).toBe(
          'invalid_refresh_token',
        );
      }
      expect(await verdict(world, access_token)).toMatchObject({ valid: true });
      await expectOk(world.call(refresh, { refresh_token }, { token }));
    },
  },
  {
    name: 'a session ends by itself when it idles or grows old',
    clock: true,
    run: async (world) => {
      const { email } = await verified(world);
      const token = world.service_token;
      const idle = await loggedIn(world, email);
      let kept = await loggedIn(world, email);
      for (let day = 0; day < 28; day += 7) {
        world.advance!(7 * 86_400_000);
        kept = await expectOk(world.call(refresh, { refresh_token: kept.refresh_token }, { token }));
      }
      expect((await world.call(refresh, { refresh_token: idle.refresh_token }, { token })).code).toBe(
        'invalid_refresh_token',
      );
      world.advance!(3 * 86_400_000);
      expect((await world.call(refresh, { refresh_token: kept.refresh_token }, { token })).code).toBe(
        'invalid_refresh_token',
      );
    },
  },
  {
    name: 'suspending a user kills tokens and sessions; reactivating does not bring them back, and a new login works',
    run: async (world) => {
      const { email, user_id, access_token, refresh_token } = await userWithSession(world);
      const token = world.service_token;
      const suspended = await expectOk(
        world.call(updateUserStatus, { user_id, status: 'suspended', reason: 'abuse' }, { token }),
      );
      expect(suspended.status ?? suspended.user?.status).toBeDefined();
      expect(await verdict(world, access_token)).toMatchObject({ valid: false, error_message: 'user_inactive' });
      expect((await world.call(refresh, { refresh_token }, { token })).code).toBe('invalid_refresh_token');
      await expectOk(world.call(updateUserStatus, { user_id, status: 'active' }, { token }));
      expect(await verdict(world, access_token)).toMatchObject({ valid: false });
      const again = await loggedIn(world, email);
      expect(await verdict(world, again.access_token)).toMatchObject({ valid: true });
      const back = await world.call(updateUserStatus, { user_id, status: 'pending_verification' }, { token });
      expect(back).toMatchObject({ code: 'invalid_request', errors: [{ path: 'status' }] });
    },
  },
];
