/** Who may change permissions, and little else, neither climbs nor shuts out whoever stands above him. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resetFactors } from '../../functions/auth/reset-factors.ts';
import { assignRole } from '../../functions/permissions/assign-role.ts';
import { createPolicy } from '../../functions/permissions/create-policy.ts';
import { createRole } from '../../functions/permissions/create-role.ts';
import { deletePolicy } from '../../functions/permissions/delete-policy.ts';
import { deleteRole } from '../../functions/permissions/delete-role.ts';
import { grantPermission } from '../../functions/permissions/grant-permission.ts';
import { putPolicy } from '../../functions/permissions/put-policy.ts';
import { putRole } from '../../functions/permissions/put-role.ts';
import { revokePermission } from '../../functions/permissions/revoke-permission.ts';
import { revokeRole } from '../../functions/permissions/revoke-role.ts';
import type { Operation } from '../../shared/kit/operation.ts';
import { expectOk, loggedIn, verified } from '../e2e/world.ts';
import { openRig, type Rig } from '../table/rig.ts';

let rig: Rig;
let chief: string;
let token: string;
beforeAll(async () => {
  rig = await openRig();
  const { world } = rig;
  const service = { token: world.service_token };
  const clerk = await verified(world);
  for (const permission of ['permissions:*', 'users:admin', 'docs:read']) {
    await expectOk(world.call(grantPermission, { user_id: clerk.user_id, permission }, service));
  }
  token = (await loggedIn(world, clerk.email)).access_token;
  chief = (await verified(world)).user_id;
  await expectOk(world.call(createRole, { name: 'operators', permissions: ['servers:restart'] }, service));
  await expectOk(world.call(assignRole, { user_id: chief, role: 'operators' }, service));
  await expectOk(world.call(assignRole, { user_id: chief, role: 'admin' }, service));
  await expectOk(world.call(grantPermission, { user_id: chief, permission: 'vault:open' }, service));
  const night = { name: 'night', effect: 'deny', resources: ['servers'], actions: ['restart'] };
  await expectOk(world.call(createPolicy, night, service));
});
afterAll(() => rig?.close());

const attempts: Record<string, () => [Operation<any, any>, object]> = {
  'takes the role of an administrator': () => [revokeRole, { user_id: chief, role: 'admin' }],
  'takes a role that may more': () => [revokeRole, { user_id: chief, role: 'operators' }],
  'empties a role that may more': () => [putRole, { role: 'operators' }],
  'deletes a role that may more': () => [deleteRole, { role: 'operators' }],
  'takes back a grant of what he does not hold': () => [revokePermission, { user_id: chief, permission: 'vault:open' }],
  'turns a grant into a denial': () => [grantPermission, { user_id: chief, permission: 'vault:open', effect: 'deny' }],
  'denies everybody everything': () => [
    createPolicy,
    { name: 'shut', effect: 'deny', resources: ['*'], actions: ['*'] },
  ],
  'lifts a policy that denies': () => [deletePolicy, { policy: 'night' }],
  'turns a policy round': () => [
    putPolicy,
    { policy: 'night', effect: 'deny', resources: ['docs'], actions: ['read'] },
  ],
  'takes the second factor of an administrator': () => [resetFactors, { user_id: chief }],
  'gives himself everything by a role': () => [createRole, { name: 'mine', inherits: ['admin'] }],
};

test.each(Object.keys(attempts))('a clerk who %s is refused', async (name) => {
  const [op, input] = attempts[name]!();
  expect((await rig.world.call(op, input, { token })).code).toBe('forbidden');
});

test('a clerk does his work all the same: he gives and takes what he holds', async () => {
  const { user_id } = await verified(rig.world);
  const own = { token };
  await expectOk(rig.world.call(createRole, { name: 'readers', permissions: ['docs:read'] }, own));
  await expectOk(rig.world.call(assignRole, { user_id, role: 'readers' }, own));
  await expectOk(rig.world.call(revokeRole, { user_id, role: 'readers' }, own));
  const policy = { name: 'drafts', effect: 'deny', resources: ['docs'], actions: ['read'], condition: 'context.draft' };
  await expectOk(rig.world.call(createPolicy, policy, own));
  await expectOk(rig.world.call(deletePolicy, { policy: 'drafts' }, own));
  await expectOk(rig.world.call(deleteRole, { role: 'readers' }, own));
});
