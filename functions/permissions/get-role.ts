import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { Role, RuleName } from './model.ts';
import { roleAssignments, roles, ruleGenerations } from './records.ts';
import { toRole } from './role-view.ts';
import { rolesNow } from './rules.ts';

/** Reads a role, with the permissions that it inherits. */
export const getRole = operation({
  name: 'permissions.get-role',
  summary: 'Reads a role',
  http: { method: 'GET', path: '/api/v1/roles/{role}' },
  access: 'permissions:read',
  input: z.strictObject({ role: RuleName }),
  output: Role,
  errors: ['not_found'],
  reads: [roleAssignments, roles, ruleGenerations],
  queries: ['roles.all'],
  needs: ['clock'],
  run: async ({ store, clock }, { role }) => {
    const found = (await rolesNow(store, clock)).roles.get(role);
    if (!found) throw new AppError('not_found', { detail: 'There is no such role' });
    return toRole(found);
  },
});
