import * as z from 'zod';
import { revocations as revocationRecords } from '../../shared/keys/revocation-records.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { update } from '../../shared/ports/store.ts';
import { requireHeld } from './acting.ts';
import { beginChange } from './change-rule.ts';
import { Role, RoleFields, RuleName } from './model.ts';
import { type RoleRecord, roleAssignments, roles, ruleGenerations, ruleVersions } from './records.ts';
import { permissionsOf, requireOwnRole, requireSoundRole } from './role-rule.ts';
import { toRole } from './role-view.ts';
import { resolveRole, rolesNow } from './rules.ts';

/** Replaces what a role says; whoever has it may at once what it says now. What is left out falls back to its default. */
export const putRole = operation({
  name: 'permissions.put-role',
  summary: 'Replaces a role',
  http: { method: 'PUT', path: '/api/v1/roles/{role}' },
  access: 'permissions:write',
  input: z.strictObject({ role: RuleName, ...RoleFields.shape }),
  output: Role,
  errors: ['not_found', 'conflict'],
  reads: [roleAssignments, roles, ruleGenerations],
  queries: ['roles.all'],
  writes: [roles, ruleVersions, ruleGenerations, revocationRecords],
  needs: ['clock', 'revocations'],
  run: ({ store, clock, revocations }, { role: name, ...fields }, context) =>
    retryConflict(async () => {
      requireOwnRole(name);
      const now = Math.floor(clock.now() / 1_000);
      const change = await beginChange(store, context, clock.now());
      const rules = await rolesNow(store, clock);
      const read = await store.get(roles, name);
      if (!read) throw new AppError('not_found', { detail: 'There is no such role' });
      requireSoundRole(rules, name, fields);
      await requireHeld(
        store,
        rules,
        context,
        [...permissionsOf(rules, read.value), ...permissionsOf(rules, fields)],
        now,
      );
      const role: RoleRecord = { ...fields, ...change.changed, epoch: read.value.epoch };
      await store.transact([update(roles, read, role), ...change.writes('role', name, fields)]);
      revocations.learn(change.notice);
      return toRole(resolveRole(rules, name, role));
    }),
});
