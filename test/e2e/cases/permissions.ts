import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { refresh } from '../../../functions/auth/refresh.ts';
import { validateToken } from '../../../functions/auth/validate-token.ts';
import { validateTokens } from '../../../functions/auth/validate-tokens.ts';
import { assignRole } from '../../../functions/permissions/assign-role.ts';
import { checkPermission } from '../../../functions/permissions/check-permission.ts';
import { checkPermissions } from '../../../functions/permissions/check-permissions.ts';
import { createPolicy } from '../../../functions/permissions/create-policy.ts';
import { createRole } from '../../../functions/permissions/create-role.ts';
import { deletePolicy } from '../../../functions/permissions/delete-policy.ts';
import { deleteRole } from '../../../functions/permissions/delete-role.ts';
import { dryRun } from '../../../functions/permissions/dry-run.ts';
import { explain } from '../../../functions/permissions/explain.ts';
import { getUserPermissions } from '../../../functions/permissions/get-user-permissions.ts';
import { getUserRoles } from '../../../functions/permissions/get-user-roles.ts';
import { grantPermission } from '../../../functions/permissions/grant-permission.ts';
import { listPolicyVersions } from '../../../functions/permissions/list-policy-versions.ts';
import { listRoleVersions } from '../../../functions/permissions/list-role-versions.ts';
import { listRoles } from '../../../functions/permissions/list-roles.ts';
import { putRole } from '../../../functions/permissions/put-role.ts';
import { revokePermission } from '../../../functions/permissions/revoke-permission.ts';
import { revokeRole } from '../../../functions/permissions/revoke-role.ts';
import { getMe } from '../../../functions/users/get-me.ts';
import { updateUserStatus } from '../../../functions/users/update-user-status.ts';
import { type Case, expectOk, loggedIn, userWithSession, verified, type World } from '../world.ts';

const name = (): string => `r${randomUUID().slice(0, 12)}`;
const service = (world: World) => ({ token: world.service_token });
const ask = (world: World, user_id: string, action: string, context: Record<string, string> = {}) =>
  expectOk(world.call(checkPermission, { user_id, resource: 'docs', action, context }, service(world)));

export const permissions: Case[] = [
  {
    name: 'a role gives what it says and what it inherits, and a change of it bites with the next question',
    run: async (world) => {
      const { user_id } = await verified(world);
      const [reader, writer] = [name(), name()];
      await expectOk(world.call(createRole, { name: reader, permissions: ['docs:read'] }, service(world)));
      await expectOk(world.call(createRole, { name: writer, inherits: [reader], priority: 5 }, service(world)));
      expect(await ask(world, user_id, 'read')).toMatchObject({ allowed: false, reason: 'no_rule_allows' });
      await expectOk(world.call(assignRole, { user_id, role: writer }, service(world)));
      expect(await ask(world, user_id, 'read')).toEqual({
        allowed: true,
        reason: 'granted_by_role',
        applied_policies: [`role:${writer}`],
      });
      await expectOk(world.call(putRole, { role: reader, permissions: ['docs:list'] }, service(world)));
      expect((await ask(world, user_id, 'read')).allowed).toBe(false);
      expect((await ask(world, user_id, 'list')).allowed).toBe(true);
      const circle = await world.call(putRole, { role: reader, inherits: [writer] }, service(world));
      expect(circle).toMatchObject({ code: 'invalid_request', errors: [{ path: 'inherits' }] });
      expect((await world.call(deleteRole, { role: reader }, service(world))).code).toBe('invalid_request');
      await expectOk(world.call(deleteRole, { role: writer }, service(world)));
      await expectOk(world.call(createRole, { name: writer, inherits: [reader] }, service(world)));
      expect((await ask(world, user_id, 'list')).allowed).toBe(false);
    },
  },
  {
    name: 'a denial wins, and goes when it is taken back',
    run: async (world) => {
      const { user_id } = await verified(world);
      const grant = { user_id, permission: 'docs:*' };
      await expectOk(world.call(grantPermission, { user_id, permission: 'docs:read', effect: 'deny' }, service(world)));
      await expectOk(world.call(grantPermission, grant, service(world)));
      expect(await ask(world, user_id, 'read')).toMatchObject({ allowed: false, reason: 'denied_by_grant' });
      expect(await ask(world, user_id, 'write')).toMatchObject({ allowed: true, reason: 'granted_by_grant' });
      await expectOk(world.call(grantPermission, { user_id, permission: 'docs:read:team:42' }, service(world)));
      const { permissions: list } = await expectOk(world.call(getUserPermissions, { user_id }, service(world)));
      // over gRPC nobody takes a denial for a permission, nor what it takes for one that is held
      const told = list
        .filter((each: any) => each.resource?.endsWith('docs'))
        .map((each: any) => [each.resource, each.name]);
      const denial = ['!docs', '!docs:read'];
      if (world.name === 'gRPC') expect(told).toEqual([denial, ['docs', 'docs:*']]);
      else expect(list).toEqual(expect.arrayContaining(['!docs:read', 'docs:*', 'docs:read:team:42']));
      await expectOk(world.call(revokePermission, { user_id, permission: 'docs:read' }, service(world)));
      expect((await ask(world, user_id, 'read')).allowed).toBe(true);
      await expectOk(world.call(revokePermission, grant, service(world)));
      expect((await ask(world, user_id, 'read')).allowed).toBe(false);
    },
  },
  {
    name: 'a policy decides by its condition, is refused with line and column when it does not type-check, and is explained',
    run: async (world) => {
      const { user_id, email } = await verified(world);
      const policy = { name: name(), effect: 'allow', resources: ['docs'], actions: ['share'] };
      const broken = { ...policy, condition: '1 + "a" == 2' };
      expect(await world.call(createPolicy, broken, service(world))).toMatchObject({
        code: 'invalid_request',
        errors: [{ path: 'condition', message: expect.stringMatching(/^Line 1, column 1: /) }],
      });
      const sound = { ...policy, condition: 'resource.owner_id == subject.id && context.mfa == "true"' };
      await expectOk(world.call(createPolicy, sound, service(world)));
      const context = { owner_id: user_id, mfa: 'true' };
      expect(await ask(world, user_id, 'share', context)).toMatchObject({
        allowed: true,
        applied_policies: [`policy:${policy.name}`],
      });
      expect((await ask(world, user_id, 'share', { owner_id: user_id })).reason).toBe('condition_failed');
      const question = { user_id, resource: 'docs', action: 'share', context };
      const unjudged = { ...question, context: { owner_id: user_id } };
      const asked = await expectOk(world.call(explain, unjudged, service(world)));
      expect(asked.steps.at(-1)).toMatchObject({ outcome: 'fails', detail: expect.stringContaining('mfa') });
      if (world.name !== 'gRPC') {
        const { access_token: token } = await loggedIn(world, email);
        const own = await expectOk(world.call(explain, unjudged, { token }));
        expect(own).toMatchObject({ reason: 'condition_failed', steps: [{ outcome: 'passes' }, { outcome: 'fails' }] });
        expect(JSON.stringify(own)).not.toContain('mfa');
      }
      const { steps } = await expectOk(world.call(explain, question, service(world)));
      expect(steps.at(-1)).toMatchObject({ rule: `policy:${policy.name}`, outcome: 'allows' });
      await expectOk(world.call(deletePolicy, { policy: policy.name }, service(world)));
      expect((await ask(world, user_id, 'share', context)).allowed).toBe(false);
    },
  },
  {
    name: 'many checks are answered in their order, also about nobody',
    run: async (world) => {
      const [{ user_id }, { user_id: other }] = [await verified(world), await verified(world)];
      await expectOk(world.call(grantPermission, { user_id: other, permission: 'docs:read' }, service(world)));
      const question = { resource: 'docs', action: 'read' };
      const checks = [user_id, other, 'nobody-has-this-id', other].map((id) => ({ user_id: id, ...question }));
      const { results } = await expectOk(world.call(checkPermissions, { checks }, service(world)));
      expect(results.map(({ allowed, reason }: any) => [allowed, reason])).toEqual([
        [false, 'no_rule_allows'],
        [true, 'granted_by_grant'],
        [false, 'unknown_user'],
        [true, 'granted_by_grant'],
      ]);
    },
  },
  {
    name: 'who was deleted has no roles and no permissions that could be listed',
    run: async (world) => {
      const { user_id } = await verified(world);
      await expectOk(world.call(getUserRoles, { user_id }, service(world)));
      await expectOk(world.call(updateUserStatus, { user_id, status: 'deleted' }, service(world)));
      expect((await world.call(getUserRoles, { user_id }, service(world))).code).toBe('not_found');
      expect((await world.call(getUserPermissions, { user_id }, service(world))).code).toBe('not_found');
    },
  },
  {
    name: 'a user asks about himself and about nobody else, and lists what he has',
    run: async (world) => {
      const user = await userWithSession(world);
      const role = name();
      await expectOk(world.call(createRole, { name: role, permissions: ['docs:read'], priority: 9 }, service(world)));
      await expectOk(world.call(assignRole, { user_id: user.user_id, role }, service(world)));
      const token = world.name === 'gRPC' ? world.service_token : user.access_token;
      const mine = { user_id: user.user_id };
      const { permissions: list } = await expectOk(world.call(getUserPermissions, mine, { token }));
      expect(JSON.stringify(list)).toContain('docs:read');
      const { roles } = await expectOk(world.call(getUserRoles, mine, { token }));
      expect(roles.map((each: any) => each.name)).toEqual([role, 'user']);
      const question = { resource: 'docs', action: 'read' };
      expect((await expectOk(world.call(checkPermission, { ...mine, ...question }, { token }))).allowed).toBe(true);
      const many = [mine, mine].map((each) => ({ ...each, ...question }));
      const { results } = await expectOk(world.call(checkPermissions, { checks: many }, { token }));
      expect(results).toMatchObject([{ allowed: true }, { allowed: true }]);
      if (world.name === 'gRPC') return;
      const others = { user_id: 'somebody-else' };
      const asked = { token: world.refreshes ? (await loggedIn(world, user.email)).access_token : token };
      expect((await world.call(checkPermission, { ...others, ...question }, asked)).code).toBe('forbidden');
      expect((await world.call(getUserPermissions, others, asked)).code).toBe('forbidden');
      const mixed = [...many, { ...others, ...question }];
      expect((await world.call(checkPermissions, { checks: mixed }, asked)).code).toBe('forbidden');
    },
  },
  {
    name: 'nobody gives what he does not hold, built-in roles stay, and a live token says that its permissions changed',
    run: async (world) => {
      const clerk = await userWithSession(world);
      const { user_id } = await verified(world);
      const grant = { user_id: clerk.user_id, permission: 'permissions:*' };
      await expectOk(world.call(grantPermission, grant, service(world)));
      const old = await expectOk(world.call(validateToken, { token: clerk.access_token }));
      expect(old).toMatchObject({ valid: true, warnings: ['permissions_changed'] });
      expect(old.permissions).toContainEqual(expect.stringMatching(/^permissions:\*/));
      const { results } = await expectOk(world.call(validateTokens, { tokens: [clerk.access_token, 'none'] }));
      expect(results).toMatchObject([{ permissions: old.permissions }, { valid: false, permissions: [] }]);
      const { access_token: token } = await loggedIn(world, clerk.email);
      expect((await expectOk(world.call(validateToken, { token }))).warnings).toEqual([]);
      const given = await world.call(assignRole, { user_id, role: 'admin' }, { token });
      expect(given.code).toBe('forbidden');
      const more = await world.call(grantPermission, { user_id, permission: 'users:write' }, { token });
      expect(more.code).toBe('forbidden');
      expect((await world.call(createRole, { name: name(), permissions: ['users:*'] }, { token })).code).toBe(
        'forbidden',
      );
      await expectOk(world.call(grantPermission, { user_id, permission: 'permissions:read' }, { token }));
      for (const op of [putRole, deleteRole]) {
        expect((await world.call(op, { role: 'admin' }, service(world))).code).toBe('invalid_request');
      }
      await expectOk(world.call(revokeRole, { user_id, role: 'never-had' }, service(world)));
    },
  },
  {
    name: 'a permission that is given or taken bites at once, also for a token that says otherwise',
    run: async (world) => {
      const { user_id, email, access_token: token } = await userWithSession(world);
      const list = async (by = token): Promise<string> => (await world.call(listRoles, {}, { token: by })).code ?? 'ok';
      const again = async (): Promise<string> => {
        expect(await list()).toBe('unauthenticated');
        return list((await loggedIn(world, email)).access_token);
      };
      const now = (): Promise<string> => (world.refreshes ? again() : list());
      expect(await list()).toBe('forbidden');
      const grant = { user_id, permission: 'permissions:read' };
      await expectOk(world.call(grantPermission, grant, service(world)));
      expect(await now()).toBe('ok');
      await expectOk(world.call(grantPermission, { ...grant, effect: 'deny' }, service(world)));
      expect(await now()).toBe('forbidden');
      // what one's own is asks for no permission
      await expectOk(world.call(getMe, {}, { token }));
    },
  },
  {
    name: 'a token ends with the first role or grant that ends',
    clock: true,
    run: async (world) => {
      const user = await verified(world);
      const { user_id } = user;
      const until = (s: number) => new Date(Math.floor((Date.now() + s * 1_000) / 1_000) * 1_000).toISOString();
      // what the platform's clock says may be ahead of ours
      const first = await loggedIn(world, user.email);
      const ahead =
        JSON.parse(Buffer.from(first.access_token.split('.')[1]!, 'base64url').toString()).iat - Date.now() / 1_000;
      const grant = { user_id, permission: 'docs:read', expires_at: until(ahead + 300) };
      await expectOk(world.call(grantPermission, grant, service(world)));
      const session = await loggedIn(world, user.email);
      const { permissions: held } = await expectOk(world.call(validateToken, { token: session.access_token }));
      expect(held).toContain('docs:read');
      expect((session as unknown as { expires_in: number }).expires_in).toBeLessThanOrEqual(300);
      world.advance!(301_000);
      expect(await expectOk(world.call(validateToken, { token: session.access_token }))).toMatchObject({
        valid: false,
        error_message: 'expired',
      });
      const next = await expectOk(world.call(refresh, { refresh_token: session.refresh_token }, service(world)));
      const { permissions: left } = await expectOk(world.call(validateToken, { token: next.access_token }));
      expect(left).not.toContain('docs:read');
    },
  },
  {
    name: 'every version of a role and of a policy is told with its author, also when it is gone',
    run: async (world) => {
      const role = name();
      await expectOk(world.call(createRole, { name: role, permissions: ['docs:read'] }, service(world)));
      await expectOk(world.call(putRole, { role, permissions: ['docs:list'] }, service(world)));
      await expectOk(world.call(deleteRole, { role }, service(world)));
      const { versions } = await expectOk(world.call(listRoleVersions, { role }, service(world)));
      expect(versions.map((each: { removed: boolean }) => each.removed)).toEqual([true, false, false]);
      expect(versions.map((each: any) => each.rule?.permissions)).toEqual([undefined, ['docs:list'], ['docs:read']]);
      expect(versions.every((each: any) => each.changed_by && each.changed_at > 0)).toBe(true);
      const policy = name();
      const fields = { effect: 'allow', resources: ['papers'], actions: ['read'] };
      await expectOk(world.call(createPolicy, { ...fields, name: policy }, service(world)));
      const first = await expectOk(world.call(listPolicyVersions, { policy, limit: 1 }, service(world)));
      expect(first.versions).toMatchObject([{ rule: { effect: 'allow' } }]);
    },
  },
  {
    name: 'a dry run says which of the last decisions a change would turn, and changes nothing',
    clock: true,
    run: async (world) => {
      const { user_id } = await verified(world);
      const role = name();
      const action = `a${name()}`;
      await expectOk(world.call(createRole, { name: role, permissions: [`docs:${action}`] }, service(world)));
      await expectOk(world.call(assignRole, { user_id, role }, service(world)));
      world.advance!(1_000);
      expect((await ask(world, user_id, action)).allowed).toBe(true);
      const question = { user_id, resource: 'docs', action };
      const turns = async (change: object) => {
        const { turned, considered } = await expectOk(world.call(dryRun, { change, last: 1_000 }, service(world)));
        expect(considered).toBeGreaterThan(0);
        return turned.filter((each: { action: string }) => each.action === action);
      };
      const granted = { allowed: true, reason: 'granted_by_role' };
      const none = { allowed: false, reason: 'no_rule_allows' };
      expect(await turns({ kind: 'role', name: role, rule: { permissions: [`docs:${action}`] } })).toEqual([]);
      for (const rule of [{ permissions: ['docs:other'] }, null]) {
        expect(await turns({ kind: 'role', name: role, rule })).toMatchObject([
          { ...question, before: granted, after: none },
        ]);
      }
      const policy = { effect: 'deny', resources: ['docs'], actions: [action], condition: 'context.hour < 8' };
      expect(await turns({ kind: 'policy', name: name(), rule: policy })).toMatchObject([
        { ...question, after: { allowed: false, reason: 'condition_failed' } },
      ]);
      const wrong = { kind: 'policy', name: name(), rule: { ...policy, condition: '1 +' } };
      expect((await world.call(dryRun, { change: wrong }, service(world))).code).toBe('invalid_request');
      expect((await ask(world, user_id, action)).allowed).toBe(true);
    },
  },
];
