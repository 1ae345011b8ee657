import { randomUUID } from 'node:crypto';
import { createPolicy } from '../../../functions/permissions/create-policy.ts';
import { createRole } from '../../../functions/permissions/create-role.ts';
import { grantPermission } from '../../../functions/permissions/grant-permission.ts';
import { expectOk, verified, type World } from '../../e2e/world.ts';
import { asService, type Samples } from './sample.ts';

const newName = (): string => `r${randomUUID().slice(0, 12)}`;

/** A role that is there. */
export const someRole = async (world: World): Promise<string> => {
  const name = newName();
  await expectOk(world.call(createRole, { name, permissions: ['docs:read'] }, { token: world.service_token }));
  return name;
};

const CONDITION = 'resource.owner_id == subject.id';

/** A policy that is there. */
export const somePolicy = async (world: World): Promise<string> => {
  const name = newName();
  const policy = { name, effect: 'allow', resources: ['docs'], actions: ['share'], condition: CONDITION };
  await expectOk(world.call(createPolicy, policy, { token: world.service_token }));
  return name;
};

const question = { resource: 'docs', action: 'read', context: { owner_id: 'somebody' } };
const somebody = async (world: World): Promise<{ user_id: string }> => ({ user_id: (await verified(world)).user_id });

export const permissions: Samples = {
  'permissions.export-user': asService(async (world) => ({ user_id: (await verified(world)).user_id })),
  'permissions.check-permission': asService(async (world) => ({ ...(await somebody(world)), ...question })),
  'permissions.check-permissions': asService(async (world) => ({
    checks: [{ ...(await somebody(world)), ...question }],
  })),
  'permissions.explain': asService(async (world) => ({ ...(await somebody(world)), ...question })),
  'permissions.get-user-permissions': asService(somebody),
  'permissions.get-user-roles': asService(somebody),
  'permissions.assign-role': asService(async (world) => ({
    ...(await somebody(world)),
    role: await someRole(world),
    expires_at: 32_472_144_000,
  })),
  'permissions.revoke-role': asService(async (world) => ({ ...(await somebody(world)), role: 'editor' })),
  'permissions.grant-permission': asService(async (world) => ({
    ...(await somebody(world)),
    permission: 'docs:write:team:42',
  })),
  'permissions.revoke-permission': asService(async (world) => {
    const { user_id } = await somebody(world);
    const grant = { user_id, permission: 'docs:write', effect: 'deny' };
    await expectOk(world.call(grantPermission, grant, { token: world.service_token }));
    return { user_id, permission: 'docs:write' };
  }),
  'permissions.list-roles': asService(() => ({})),
  'permissions.create-role': asService(async (world) => ({ name: newName(), inherits: [await someRole(world)] })),
  'permissions.get-role': asService(async (world) => ({ role: await someRole(world) })),
  'permissions.put-role': asService(async (world) => ({ role: await someRole(world), permissions: ['docs:*:own'] })),
  'permissions.delete-role': asService(async (world) => ({ role: await someRole(world) })),
  'permissions.dry-run': asService(async (world) => ({
    change: { kind: 'role', name: await someRole(world), rule: { permissions: ['docs:list'] } },
  })),
  'permissions.list-role-versions': asService(async (world) => ({ role: await someRole(world) })),
  'permissions.list-policy-versions': asService(async (world) => ({ policy: await somePolicy(world) })),
  'permissions.list-policies': asService(() => ({})),
  'permissions.create-policy': asService(() => ({
    name: newName(),
    effect: 'deny',
    resources: ['docs'],
    actions: ['*'],
    condition: 'context.hour < 8',
  })),
  'permissions.get-policy': asService(async (world) => ({ policy: await somePolicy(world) })),
  'permissions.put-policy': asService(async (world) => ({
    policy: await somePolicy(world),
    effect: 'deny',
    resources: ['docs'],
    actions: ['share'],
  })),
  'permissions.delete-policy': asService(async (world) => ({ policy: await somePolicy(world) })),
  'permissions.get-authzen-configuration': async () => ({ input: {} }),
  'permissions.get-effective': asService(somebody),
  'permissions.find-lacking': asService(async (world) => ({ ...(await somebody(world)), permissions: ['docs:read'] })),
  'permissions.remove-roles': asService(somebody),
};
