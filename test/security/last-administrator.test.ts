/** There is always somebody who may do everything. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assignRole } from '../../functions/permissions/assign-role.ts';
import { grantPermission } from '../../functions/permissions/grant-permission.ts';
import { revokeRole } from '../../functions/permissions/revoke-role.ts';
import { deleteMe } from '../../functions/users/delete-me.ts';
import { updateUserStatus } from '../../functions/users/update-user-status.ts';
import { http1Door } from '../e2e/doors/http.ts';
import { worldOf } from '../e2e/matrix.ts';
import { expectOk, loggedIn, userWithSession, verified, type World } from '../e2e/world.ts';
import { perfect21 } from '../operator/support.ts';
import { type TestPlatform, testEnvironment, testPlatform } from '../support/platform.ts';

let platform: TestPlatform;
let world: World;
let admin: { user_id: string; access_token: string };
beforeAll(async () => {
  platform = await testPlatform();
  world = worldOf(platform, http1Door(platform.http.url));
  admin = await loggedIn(world, world.admin.email, { password: world.admin.password });
});
afterAll(() => platform?.close());

const move = (user_id: string, status: string, token = world.service_token) =>
  world.call(updateUserStatus, { user_id, status }, { token });
const command = (...args: string[]) => perfect21(args, testEnvironment(platform.dataDir));
const trusted = {
  request_id: 'test',
  trace: { trace_id: '0'.repeat(32), span_id: '0'.repeat(16) } as any,
  caller: { kind: 'service', name: 'platform', permissions: ['*:*:*'] } as const,
  client: {},
  door: 'local' as const,
};
const grant = (user_id: string) => platform.host.call(assignRole, { user_id, role: 'admin' }, trusted);

describe('the last administrator', () => {
  test('can be neither locked, suspended nor deleted, by whomever, and is told why', async () => {
    for (const status of ['locked', 'suspended', 'deleted']) {
      for (const token of [admin.access_token, world.service_token]) {
        expect([status, (await move(admin.user_id, status, token)).code]).toEqual([status, 'last_administrator']);
      }
    }
    await loggedIn(world, world.admin.email, { password: world.admin.password });
  });

  test('can not delete himself', async () => {
    expect((await world.call(deleteMe, {}, { token: admin.access_token })).code).toBe('last_administrator');
  });

  test('keeps the role for good: it can not become one for a time, nor one of somebody who is denied something', async () => {
    const service = { token: world.service_token };
    const soon = { user_id: admin.user_id, role: 'admin', expires_at: '2999-01-01T00:00:00Z' };
    expect((await world.call(assignRole, soon, service)).code).toBe('last_administrator');
    const denial = { permission: 'permissions:write', effect: 'deny' };
    const denied = await world.call(grantPermission, { user_id: admin.user_id, ...denial }, service);
    expect(denied).toMatchObject({ code: 'invalid_request', errors: [{ path: 'effect' }] });
    const { user_id } = await verified(world);
    await expectOk(world.call(grantPermission, { user_id, ...denial }, service));
    const given = await world.call(assignRole, { user_id, role: 'admin' }, service);
    expect(given).toMatchObject({ code: 'invalid_request', errors: [{ path: 'role' }] });
  });

  test('can not lose the role either, and of two who take it from each other at once one keeps it', async () => {
    const take = (user_id: string) =>
      world.call(revokeRole, { user_id, role: 'admin' }, { token: world.service_token });
    expect((await take(admin.user_id)).code).toBe('last_administrator');
    const { user_id } = await verified(world);
    await grant(user_id);
    const codes = (await Promise.all([take(admin.user_id), take(user_id)])).map(({ code }) => code);
    expect(codes.filter((code) => code === 'last_administrator')).toHaveLength(1);
    const [kept, lost] = codes[0] === undefined ? [user_id, admin.user_id] : [admin.user_id, user_id];
    await grant(lost);
    if (kept !== admin.user_id) await expectOk(take(kept));
  });

  test('makes another one by command, with the address or the id, and may go then', { timeout: 60_000 }, async () => {
    const next = await verified(world);
    expect(await command('users', 'grant-role', next.email, 'admin')).toMatchObject({ code: 0, err: '' });
    expect(await command('users', 'grant-role', next.user_id, 'admin')).toMatchObject({ code: 0 });
    const { access_token } = await loggedIn(world, next.email);
    const claims = JSON.parse(Buffer.from(access_token.split('.')[1]!, 'base64url').toString());
    expect(claims.roles).toContain('admin');
    await expectOk(move(admin.user_id, 'suspended', access_token));
    expect((await move(next.user_id, 'deleted', access_token)).code).toBe('last_administrator');
    await expectOk(move(admin.user_id, 'active', access_token));
    await expectOk(move(next.user_id, 'deleted'));
    expect((await move(admin.user_id, 'suspended')).code).toBe('last_administrator');
  });

  test('stays when two remove each other at once', async () => {
    for (let round = 0; round < 10; round++) {
      const [one, two] = [await userWithSession(world), await userWithSession(world)];
      await Promise.all([grant(one.user_id), grant(two.user_id)]);
      // of three, all are to go at once
      const all = [admin.user_id, one.user_id, two.user_id];
      const outcomes = await Promise.all(all.map((user_id) => move(user_id, 'suspended')));
      expect(outcomes.filter(({ ok }) => ok)).toHaveLength(2);
      expect(outcomes.find(({ ok }) => !ok)?.code).toBe('last_administrator');
      await move(admin.user_id, 'active');
      for (const user_id of [one.user_id, two.user_id]) await expectOk(move(user_id, 'deleted'));
    }
  });
});

test('the command names who is not there, who is not verified, and which role there is not', {
  timeout: 60_000,
}, async () => {
  const nobody = await command('users', 'grant-role', 'nobody@example.org', 'admin');
  expect(nobody).toMatchObject({ code: 1, err: expect.stringContaining('there is no user nobody@example.org') });
  const { email } = await verified(world);
  const odd = await command('users', 'grant-role', email, 'emperor');
  expect(odd).toMatchObject({ code: 1, err: expect.stringContaining('there is no role "emperor"') });
});
