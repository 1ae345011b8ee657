import * as z from 'zod';
import { revocations as revocationRecords } from '../../shared/keys/revocation-records.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { insert } from '../../shared/ports/store.ts';
import { requireHeld } from './acting.ts';
import { beginChange } from './change-rule.ts';
import { Role, RoleFields, RuleName } from './model.ts';
import { type RoleRecord, roleAssignments, roles, ruleGenerations, ruleVersions } from './records.ts';
import { permissionsOf, requireOwnRole, requireSoundRole } from './role-rule.ts';
import { toRole } from './role-view.ts';
import { resolveRole, rolesNow } from './rules.ts';

/** Makes a role. It gives no more than its maker holds, and inherits without a circle. */
export const createRole = operation({
  name: 'permissions.create-role',
  summary: 'Makes a role',
  http: { method: 'POST', path: '/api/v1/roles', status: 201 },
  access: 'permissions:write',
  input: z.strictObject({ name: RuleName, ...RoleFields.shape }),
  output: Role,
  errors: ['already_exists', 'conflict'],
  reads: [roleAssignments, roles, ruleGenerations],
  queries: ['roles.all'],
  writes: [roles, ruleVersions, ruleGenerations, revocationRecords],
  needs: ['clock', 'revocations'],
  audit: ['name'],
  run: ({ store, clock, revocations }, { name, ...fields }, context) =>
    retryConflict(async () => {
      requireOwnRole(name);
      const now = Math.floor(clock.now() / 1_000);
      const change = await beginChange(store, context, clock.now());
      const rules = await rolesNow(store, clock);
      if (await store.get(roles, name))
        throw new AppError('already_exists', { detail: 'There is such a role already' });
      requireSoundRole(rules, name, fields);
      await requireHeld(store, rules, context, permissionsOf(rules, fields), now);
      const role: RoleRecord = { ...fields, ...change.changed, epoch: change.changed.version };
      await store.transact([insert(roles, name, role), ...change.writes('role', name, fields)]);
      revocations.learn(change.notice);
      return toRole(resolveRole(rules, name, role));
    }),
});
