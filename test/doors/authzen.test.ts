/** The AuthZEN Authorization API 1.0 as its clients speak it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { grantPermission } from '../../functions/permissions/grant-permission.ts';
import { updateUserStatus } from '../../functions/users/update-user-status.ts';
import { expectOk, verified } from '../e2e/world.ts';
import { openRig, type Rig } from '../table/rig.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await openRig();
});
afterAll(() => rig?.close());

const post = async (path: string, body: unknown, token = rig.world.service_token) => {
  const response = await fetch(`${rig.platform.http.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as any };
};

const question = (id: string) => ({
  subject: { type: 'user', id, properties: { department: 'sales' } },
  action: { name: 'read', properties: { method: 'GET' } },
  resource: { type: 'docs', id: '7', properties: { owner_id: id, tags: ['a'] } },
  context: { time: '2026-10-26T01:22-07:00', nested: { any: 'thing' } },
});

test('tells where it is asked', async () => {
  const response = await fetch(`${rig.platform.http.url}/.well-known/authzen-configuration`);
  const { access_evaluation_endpoint: endpoint } = (await response.json()) as any;
  expect(new URL(endpoint).pathname).toBe('/access/v1/evaluation');
});

test('decides by the same rules, and about whoever is disabled or nobody with false and the reason', async () => {
  const { world } = rig;
  const { user_id } = await verified(world);
  const service = { token: world.service_token };
  await expectOk(world.call(grantPermission, { user_id, permission: 'docs:read:own' }, service));
  expect(await post('/access/v1/evaluation', question(user_id))).toMatchObject({
    status: 200,
    body: { decision: true, context: { reason: 'granted_by_grant' } },
  });
  const nobody = { decision: false, context: { reason: 'unknown_user' } };
  expect((await post('/access/v1/evaluation', question('nobody-has-this-id'))).body).toMatchObject(nobody);
  await expectOk(world.call(updateUserStatus, { user_id, status: 'suspended' }, service));
  const inactive = { decision: false, context: { reason: 'user_inactive' } };
  expect((await post('/access/v1/evaluation', question(user_id))).body).toMatchObject(inactive);
});

test('decides many with what is said once for all, in order', async () => {
  const { user_id } = await verified(rig.world);
  const { subject, resource } = question(user_id);
  const { status, body } = await post('/access/v1/evaluations', {
    subject,
    resource,
    evaluations: [{ action: { name: 'read' } }, { action: { name: 'read' }, subject: { type: 'user', id: 'nobody' } }],
  });
  expect(status).toBe(200);
  expect(body.evaluations.map(({ context }: any) => context.reason)).toEqual(['no_rule_allows', 'unknown_user']);
});

test('refuses what is no question, and whoever is no service', async () => {
  const { action, resource } = question('x');
  expect(await post('/access/v1/evaluation', { action, resource })).toMatchObject({
    status: 400,
    body: { errors: [{ path: 'subject' }] },
  });
  const lacking = { resource, evaluations: [{ action }] };
  expect((await post('/access/v1/evaluations', lacking)).status).toBe(400);
  const other = { ...question('x'), evaluations: [{}], options: { evaluations_semantic: 'deny_on_first_deny' } };
  expect((await post('/access/v1/evaluations', other)).status).toBe(400);
  expect((await post('/access/v1/evaluation', question('x'), 'none')).status).toBe(401);
});
