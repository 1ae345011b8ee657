import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { Role, RuleName } from './model.ts';
import { policies, roleAssignments, roles, ruleGenerations } from './records.ts';
import { toRole } from './role-view.ts';
import { rulesOf } from './rules.ts';

/** Reads a role, with the permissions that it inherits. */
export const getRole = operation({
  name: 'permissions.get-role',
  summary: 'Reads a role',
  http: { method: 'GET', path: '/api/v1/roles/{role}' },
  access: 'permissions:read',
  input: z.strictObject({ role: RuleName }),
  output: Role,
  errors: ['not_found'],
  reads: [roleAssignments, roles, policies, ruleGenerations],
  queries: ['roles.all', 'policies.all'],
  needs: ['conditions'],
  run: async ({ store, conditions }, { role }) => {
    const found = (await rulesOf(store, conditions)).roles.get(role);
    if (!found) throw new AppError('not_found', { detail: 'There is no such role' });
    return toRole(found);
  },
});
