import { expect } from 'vitest';
import { login } from '../../../functions/auth/login.ts';
import { verifyEmail } from '../../../functions/auth/verify-email.ts';
import { getUser } from '../../../functions/users/get-user.ts';
import { importUsers } from '../../../functions/users/import-users.ts';
import { listUsers } from '../../../functions/users/list-users.ts';
import { verifyPassword } from '../../../functions/users/verify-password.ts';
import { type Case, expectOk, newEmail, PASSWORD, registered, verified, type World } from '../world.ts';

/** Of jBCrypt's vectors. */
const BCRYPT = '$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe';

/** No function answers it: API Gateway carries no rows. */
const carries = (world: World): boolean => world.name !== 'Lambda event';

export const bulk: Case[] = [
  {
    name: 'an account that is imported logs in with its password of before, is found, and is known when its row comes again',
    run: async (world) => {
      if (!carries(world)) return;
      const service = { token: world.service_token };
      const id = crypto.randomUUID();
      const row = { external_id: `legacy-${id}`, email: newEmail(), first_name: 'Ada', created_at: 1_500_000_000 };
      const put = (change: object = {}) =>
        expectOk(world.call(importUsers, { ...row, password_hash: BCRYPT, ...change }, service));
      const made = await put();
      expect(made).toMatchObject({ external_id: row.external_id, user_id: expect.stringMatching(/^[0-9a-f-]{36}$/) });
      expect(made.status ?? made.result).toBe('created');
      const { user_id } = made;
      const again = await put({ first_name: 'Grace' });
      expect([again.status ?? again.result, again.user_id]).toEqual(['exists', user_id]);
      expect(await expectOk(world.call(getUser, { user_id }, service))).toMatchObject({
        ...{ email: row.email, first_name: 'Ada', created_at: row.created_at, is_verified: true, is_active: true },
      });
      expect((await expectOk(world.call(listUsers, { q: row.email }, service))).users).toMatchObject([{ id: user_id }]);
      for (const [password, valid] of [
        ['b', false],
        ['a', true],
        ['a', true],
        ['b', false],
      ] as const) {
        expect((await expectOk(world.call(verifyPassword, { user_id, password }, service))).valid).toBe(valid);
      }
      expect((await world.call(login, { identifier: row.email, password: 'a' })).ok).toBe(true);
    },
  },
  {
    name: 'who registered an address and never proved it gives way to its row, and gets nothing of the account',
    run: async (world) => {
      if (!carries(world)) return;
      const service = { token: world.service_token };
      const [email, username] = [newEmail(), `n${crypto.randomUUID().slice(0, 12)}`];
      const { token: link } = await registered(world, { email, username });
      const unproved = await expectOk(world.call(importUsers, { email, email_verified: false }, service));
      expect([unproved.status ?? unproved.result, unproved.code]).toEqual(['failed', 'already_exists']);
      const made = await expectOk(world.call(importUsers, { email, username, password_hash: BCRYPT }, service));
      expect(made.status ?? made.result).toBe('created');
      expect((await world.call(verifyEmail, { token: link })).code).toBe('invalid_token');
      expect((await world.call(login, { identifier: email, password: PASSWORD })).code).toBe('invalid_credentials');
      const { user_id } = await expectOk(world.call(login, { identifier: username, password: 'a' }));
      expect(user_id).toBe(made.user_id);
      expect((await expectOk(world.call(listUsers, { q: email }, service))).users).toMatchObject([{ id: user_id }]);
    },
  },
  {
    name: 'a row that is broken, or whose address somebody has, is answered as such',
    run: async (world) => {
      if (!carries(world)) return;
      const service = { token: world.service_token };
      const { email } = await verified(world);
      const reasons = async (row: object) => {
        const answer = await expectOk(world.call(importUsers, row, service));
        return [answer.status ?? answer.result, answer.code, answer.errors?.[0]?.path];
      };
      expect(await reasons({ email })).toEqual(['failed', 'already_exists', 'email']);
      expect(await reasons({ email: 'none' })).toEqual(['failed', 'invalid_request', 'email']);
      expect(await reasons({ email: newEmail(), password_hash: 'secret' })).toEqual([
        'failed',
        'invalid_request',
        'password_hash',
      ]);
      expect(await reasons({ email: newEmail(), profile: { nothing: 'x' } })).toEqual([
        'failed',
        'invalid_request',
        'profile.nothing',
      ]);
    },
  },
];
