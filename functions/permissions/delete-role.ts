import * as z from 'zod';
import { revocations as revocationRecords } from '../../shared/keys/revocation-records.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { remove } from '../../shared/ports/store.ts';
import { requireHeld } from './acting.ts';
import { beginChange } from './change-rule.ts';
import { RuleName } from './model.ts';
import { roleAssignments, roles, ruleGenerations, ruleVersions } from './records.ts';
import { permissionsOf, requireOwnRole } from './role-rule.ts';
import { rolesNow } from './rules.ts';

/** Deletes a role. Who had it has it no more, also when a role of the same name is made later. */
export const deleteRole = operation({
  name: 'permissions.delete-role',
  summary: 'Deletes a role',
  http: { method: 'DELETE', path: '/api/v1/roles/{role}', status: 204 },
  access: 'permissions:write',
  input: z.strictObject({ role: RuleName }),
  output: z.object({}),
  errors: ['not_found', 'conflict'],
  reads: [roleAssignments, roles, ruleGenerations],
  queries: ['roles.all'],
  writes: [roles, ruleVersions, ruleGenerations, revocationRecords],
  needs: ['clock', 'revocations'],
  run: ({ store, clock, revocations }, { role: name }, context) =>
    retryConflict(async () => {
      requireOwnRole(name);
      const now = clock.now();
      const change = await beginChange(store, context, now);
      const rules = await rolesNow(store, clock);
      const read = await store.get(roles, name);
      if (!read) throw new AppError('not_found', { detail: 'There is no such role' });
      await requireHeld(store, rules, context, permissionsOf(rules, read.value), Math.floor(now / 1_000));
      const heirs = [...rules.roles.values()].filter(({ fields }) => fields.inherits.includes(name));
      if (heirs.length > 0) {
        const message = `Is inherited by ${heirs
          .map((heir) => heir.name)
          .slice(0, 5)
          .join(', ')}`;
        throw new AppError('invalid_request', { errors: [{ path: 'role', message }] });
      }
      await store.transact([remove(roles, read), ...change.writes('role', name, undefined)]);
      revocations.learn(change.notice);
      return {};
    }),
});
