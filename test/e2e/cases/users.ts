import { expect } from 'vitest';
import { login } from '../../../functions/auth/login.ts';
import { refresh } from '../../../functions/auth/refresh.ts';
import { deleteMe } from '../../../functions/users/delete-me.ts';
import { getLoginHistory } from '../../../functions/users/get-login-history.ts';
import { getMe } from '../../../functions/users/get-me.ts';
import { getUser } from '../../../functions/users/get-user.ts';
import { getUsers } from '../../../functions/users/get-users.ts';
import { recordLogin } from '../../../functions/users/record-login.ts';
import { updateMe } from '../../../functions/users/update-me.ts';
import { updateUserStatus } from '../../../functions/users/update-user-status.ts';
import { verifyPassword } from '../../../functions/users/verify-password.ts';
import { type Case, expectOk, loggedIn, newNumber, PASSWORD, provePhone, userWithSession, verified } from '../world.ts';

export const users: Case[] = [
  {
    name: 'many users are read at once, in order, and who is not there is named',
    run: async (world) => {
      const [one, two] = [await verified(world), await verified(world)];
      const user_ids = [two.user_id, 'nobody', one.user_id, two.user_id];
      const asked = { user_ids, fields: ['id', 'email'] };
      const found = await expectOk(world.call(getUsers, asked, { token: world.service_token }));
      expect(found.users.map(({ id, email }: any) => [id, email])).toEqual([
        [two.user_id, two.email],
        [one.user_id, one.email],
      ]);
      expect(found.not_found).toEqual(['nobody']);
    },
  },
  {
    name: 'a service asks whether a password is right, and writes into the login history, which its user reads',
    run: async (world) => {
      const { user_id, access_token } = await userWithSession(world);
      const service = { token: world.service_token };
      const asks = (password: string) => expectOk(world.call(verifyPassword, { user_id, password }, service));
      expect(await asks(PASSWORD)).toMatchObject({ valid: true });
      expect(await asks(`${PASSWORD} not`)).toMatchObject({ valid: false });
      const row = { user_id, ip_address: '203.0.113.9', login_successful: false, failure_reason: 'wrong_password' };
      const { record_id } = await expectOk(world.call(recordLogin, { ...row, location: { country: 'GB' } }, service));
      await world.mails('nobody');
      const { logins } = await expectOk(world.call(getLoginHistory, { user_id }, { token: access_token }));
      expect(logins.find(({ id }: any) => id === record_id)).toMatchObject({
        ip_address: '203.0.113.9',
        location: { country: 'GB' },
        login_successful: false,
      });
      expect(logins.some((each: any) => each.login_successful)).toBe(true);
      const stranger = await userWithSession(world);
      const token = stranger.access_token;
      expect((await world.call(getLoginHistory, { user_id }, { token })).code).toBe('forbidden');
    },
  },
  {
    name: 'a user deletes the own account: its token is dead at once, and nobody finds it',
    run: async (world) => {
      const user = await userWithSession(world);
      if (world.advance) {
        // a session that goes on is no proof of who holds its token now
        const old = await userWithSession(world);
        world.advance(14 * 60_000);
        const { access_token: token } = await expectOk(
          world.call(refresh, { refresh_token: old.refresh_token }, { token: world.service_token }),
        );
        world.advance(2 * 60_000);
        expect((await world.call(deleteMe, {}, { token })).code).toBe('forbidden');
        const { access_token: fresh } = await loggedIn(world, old.email);
        await expectOk(world.call(deleteMe, {}, { token: fresh }));
      }
      const again = await loggedIn(world, user.email);
      await expectOk(world.call(deleteMe, {}, { token: again.access_token }));
      expect((await world.call(getMe, {}, { token: again.access_token })).code).toBe('unauthenticated');
      const { code } = await world.call(getUser, { user_id: user.user_id }, { token: world.service_token });
      expect(code).toBe('not_found');
      expect((await verified(world, { email: user.email })).user_id).not.toBe(user.user_id);
    },
  },
  {
    name: 'a user reads and changes the own profile, but not what is not hers to change',
    run: async (world) => {
      const { access_token, email, user_id } = await userWithSession(world, { first_name: 'Ada' });
      const me = await expectOk(world.call(getMe, {}, { token: access_token }));
      expect(me).toMatchObject({ id: user_id, email, first_name: 'Ada', status: 'active', is_verified: true });
      const changed = await expectOk(world.call(updateMe, { first_name: 'Grace' }, { token: access_token }));
      expect(changed).toMatchObject({ first_name: 'Grace', email });
      for (const field of ['email', 'status', 'is_verified', 'roles', 'generation', '__proto__x']) {
        const outcome = await world.call(updateMe, { [field]: 'x' }, { token: access_token });
        expect([field, outcome.code]).toEqual([field, 'invalid_request']);
      }
    },
  },
  {
    name: 'null empties a field of the own profile; a phone number goes with the password, its proof and word of it',
    run: async (world) => {
      const names = {
        first_name: 'Ada',
        last_name: 'Byron',
        locale: 'zh-CN',
        username: `u${Date.now()}${world.name.length}`,
      };
      const user = await userWithSession(world, names);
      const token = user.access_token;
      const number = newNumber();
      await provePhone(world, number, token);
      const empty = { first_name: null, last_name: null, locale: null, username: null };
      const emptied = await expectOk(world.call(updateMe, empty, { token }));
      expect(emptied).toMatchObject({ first_name: '', last_name: '', username: '', phone_number: number });
      const again = await expectOk(world.call(updateMe, empty, { token }));
      expect(again).toEqual(emptied);
      expect((await world.call(login, { identifier: names.username, password: PASSWORD })).code).toBe(
        'invalid_credentials',
      );
      // the name is free again
      await userWithSession(world, { username: names.username });

      expect((await world.call(updateMe, { phone_number: null }, { token })).errors?.[0]?.path).toBe('password');
      const wrong = { phone_number: null, password: 'not the right sentence' };
      expect((await world.call(updateMe, wrong, { token })).code).toBe('invalid_credentials');
      const told = (await world.mails(user.email)).length;
      await expectOk(world.call(updateMe, { phone_number: null, password: PASSWORD }, { token }));
      expect(await expectOk(world.call(getMe, {}, { token }))).toMatchObject({
        phone_number: '',
        phone_verified: false,
      });
      expect((await world.mails(user.email)).length).toBe(told + 1);
      for (const field of ['password', 'email']) {
        expect((await world.call(updateMe, { [field]: null }, { token })).code).toBe('invalid_request');
      }
    },
  },
  {
    name: 'a user name moves with its user, and belongs to one at a time',
    run: async (world) => {
      const [one, two] = [await userWithSession(world), await userWithSession(world)];
      const [first, second] = [`n${one.user_id.slice(-12)}`, `n${two.user_id.slice(-12)}`];
      await expectOk(world.call(updateMe, { username: first }, { token: one.access_token }));
      await loggedIn(world, first.toUpperCase());
      const taken = await world.call(updateMe, { username: first.toUpperCase() }, { token: two.access_token });
      expect(taken).toMatchObject({ code: 'already_exists', errors: [{ path: 'username' }] });
      await expectOk(world.call(updateMe, { username: second }, { token: one.access_token }));
      await expectOk(world.call(updateMe, { username: first }, { token: two.access_token }));
      expect((await loggedIn(world, first)).user_id).toBe(two.user_id);
    },
  },
  {
    name: 'reading a user needs the permission, and gives the fields asked for',
    run: async (world) => {
      const { user_id, email } = await verified(world, { first_name: 'Ada' });
      const stranger = await userWithSession(world);
      const token = world.service_token;
      const full = await expectOk(world.call(getUser, { user_id }, { token }));
      expect(full).toMatchObject({ id: user_id, email, first_name: 'Ada', is_active: true });
      expect(JSON.stringify(full)).not.toMatch(/argon2|password|hash|generation/);
      const part = await expectOk(world.call(getUser, { user_id, fields: ['id', 'email'] }, { token }));
      expect(part).toMatchObject({ id: user_id, email });
      expect(part.first_name || undefined).toBeUndefined();
      expect((await world.call(getUser, { user_id: 'nobody' }, { token })).code).toBe('not_found');
      expect((await world.call(getUser, { user_id }, { token: stranger.access_token })).code).toBe('forbidden');
      expect((await world.call(getUser, { user_id })).code).toBe('unauthenticated');
      const unknown = await world.call(getUser, { user_id, fields: ['password_hash'] }, { token });
      expect(unknown.code).toBe('invalid_request');
    },
  },
  {
    name: 'a deleted user is gone: no login, no mail, and address and name are free again',
    run: async (world) => {
      const user = await userWithSession(world);
      const username = `n${user.user_id.slice(-12)}`;
      await expectOk(world.call(updateMe, { username }, { token: user.access_token }));
      const token = world.service_token;
      await expectOk(world.call(updateUserStatus, { user_id: user.user_id, status: 'deleted' }, { token }));
      expect((await world.call(getMe, {}, { token: user.access_token })).code).toBe('unauthenticated');
      expect((await world.call(getUser, { user_id: user.user_id }, { token })).code).toBe('not_found');
      for (const identifier of [user.email, username]) {
        expect((await world.call(login, { identifier, password: PASSWORD })).code).toBe('invalid_credentials');
      }
      const back = await world.call(updateUserStatus, { user_id: user.user_id, status: 'active' }, { token });
      expect(back.code).toBe('invalid_request');
      const next = await verified(world, { email: user.email, username });
      expect(next.user_id).not.toBe(user.user_id);
    },
  },
  {
    name: 'an administrator may what a user may not',
    run: async (world) => {
      const { user_id, access_token } = await userWithSession(world);
      const admin = await loggedIn(world, world.admin.email, { password: world.admin.password });
      const change = { user_id, status: 'locked' };
      expect((await world.call(updateUserStatus, change, { token: access_token })).code).toBe('forbidden');
      const token = world.name.startsWith('gRPC') ? world.service_token : admin.access_token;
      await expectOk(world.call(updateUserStatus, change, { token }));
      const seen = await expectOk(world.call(getUser, { user_id }, { token }));
      expect(seen).toMatchObject({ is_active: false });
    },
  },
];
