import { expect } from 'vitest';
import { getSecurityLog } from '../../../functions/auth/get-security-log.ts';
import { listAudit } from '../../../functions/auth/list-audit.ts';
import { login } from '../../../functions/auth/login.ts';
import { validateToken } from '../../../functions/auth/validate-token.ts';
import { verifyAuditLog } from '../../../functions/auth/verify-audit.ts';
import { grantPermission } from '../../../functions/permissions/grant-permission.ts';
import { getUser } from '../../../functions/users/get-user.ts';
import { reportNotMe } from '../../../functions/users/report-not-me.ts';
import { updateMe } from '../../../functions/users/update-me.ts';
import { updateUserStatus } from '../../../functions/users/update-user-status.ts';
import { type Case, expectOk, loggedIn, PASSWORD, userWithSession, verified, type World } from '../world.ts';

const service = (world: World) => ({ token: world.service_token });
const asked = async (world: World, filter: object): Promise<any[]> =>
  (await expectOk(world.call(listAudit, { limit: 200, ...filter }, service(world)))).entries;

/** What is sealed meanwhile has a number more. */
const idsOf = (entries: readonly { id: string }[]): string[] => entries.map(({ id }) => id);

export const audit: Case[] = [
  {
    name: 'what an administrator does to somebody is told: who, what, whom, with which fields; newest first',
    run: async (world) => {
      const { user_id } = await verified(world);
      const admin = await loggedIn(world, world.admin.email, { password: world.admin.password });
      const as = { token: admin.access_token };
      // an RPC is for services, so that only some doors bring the administrator
      await world.call(updateUserStatus, { user_id, status: 'suspended' }, as);
      await expectOk(world.call(updateUserStatus, { user_id, status: 'suspended' }, service(world)));
      await expectOk(world.call(grantPermission, { user_id, permission: 'docs:read' }, as));
      const [grant, ...earlier] = await asked(world, { subject: user_id });
      expect(grant).toMatchObject({
        ...{ actor: admin.user_id, actor_kind: 'user', action: 'permissions.grant-permission', subject: user_id },
        ...{ outcome: 'done', about: { permission: 'docs:read', effect: 'allow' } },
      });
      expect(earlier.map(({ action }) => action)).toContain('users.update-user-status');
      expect(earlier.map(({ action }) => action)).toContain('auth.register');
      const both = await asked(world, {
        subject: user_id,
        actor: admin.user_id,
        action: 'permissions.grant-permission',
      });
      expect(idsOf(both)).toEqual([grant.id]);
      expect(await asked(world, { subject: user_id, from: 4_000_000_000 })).toEqual([]);
      const first = await expectOk(world.call(listAudit, { subject: user_id, limit: 1 }, service(world)));
      const second = await expectOk(
        world.call(listAudit, { subject: user_id, limit: 1, cursor: first.next_cursor }, service(world)),
      );
      expect(idsOf([...first.entries, ...second.entries])).toEqual([grant.id, earlier[0].id]);
      expect((await world.call(listAudit, {}, { token: (await userWithSession(world)).access_token })).code).toBe(
        'forbidden',
      );
    },
  },
  {
    name: 'who was refused is told, and so is a failed login, without what was typed',
    run: async (world) => {
      const { user_id, email, access_token: token } = await userWithSession(world);
      expect((await world.call(getUser, { user_id: 'somebody-else' }, { token })).code).toBe('forbidden');
      await world.call(login, { identifier: email, password: `${PASSWORD}!` });
      const lines = await asked(world, { subject: user_id });
      expect(lines.find(({ action, outcome }) => action === 'auth.login' && outcome === 'refused')).toMatchObject({
        ...{ actor: '', actor_kind: 'anonymous', reason: 'wrong_password' },
      });
      const refused = await asked(world, { actor: user_id, action: 'users.get-user' });
      // an RPC refuses users before any operation is asked
      for (const line of refused) {
        expect(line).toMatchObject({ outcome: 'refused', reason: 'forbidden', subject: 'somebody-else' });
      }
      const all = JSON.stringify([lines, refused]);
      for (const secret of [PASSWORD, email, token]) expect(all).not.toContain(secret);
    },
  },
  {
    name: 'a user reads what was done to the own account, and says that it was not he: all sessions end, a mail asks for a new password',
    run: async (world) => {
      const { user_id, email, access_token: token } = await userWithSession(world);
      await expectOk(world.call(updateMe, { first_name: 'Ada' }, { token }));
      await world.call(login, { identifier: email, password: `${PASSWORD}!` });
      await expectOk(world.call(grantPermission, { user_id, permission: 'docs:read' }, service(world)));
      const { entries } = await expectOk(world.call(getSecurityLog, { limit: 50 }, { token }));
      const told = entries.map(({ action, by, outcome }: any) => [action, by, outcome]);
      expect(told.slice(0, 3)).toEqual([
        ['permissions.grant-permission', 'a service', 'done'],
        ['auth.login', 'somebody', 'refused'],
        ['users.update-me', 'you', 'done'],
      ]);
      expect(entries[0].ip_address).toBe('');
      await expectOk(world.call(reportNotMe, {}, { token }));
      expect(await expectOk(world.call(validateToken, { token }))).toMatchObject({ valid: false });
      expect((await world.call(login, { identifier: email, password: PASSWORD })).code).toBe('invalid_credentials');
      expect((await world.mails(email)).some(({ text }) => text.includes('reset-password'))).toBe(true);
    },
  },
  {
    name: 'the chain of the log holds, line by line',
    run: async (world) => {
      await userWithSession(world);
      const check = (input: object) => expectOk(world.call(verifyAuditLog, input, service(world)));
      const part = await check({ limit: 2 });
      expect(part).toMatchObject({ verified: 2, faults: [], complete: false, last: { number: 2 } });
      const rest = await check({ after: 2, after_hash: part.last.hash, limit: 10_000 });
      expect(rest).toMatchObject({ faults: [], complete: true });
      const again = await check({ after: rest.last.number, after_hash: rest.last.hash });
      expect(again.faults).toEqual([]);
      const forged = await check({ after: 2, after_hash: 'another', limit: 1 });
      expect(forged.faults).toEqual([{ number: 3, fault: 'changed' }]);
    },
  },
];
