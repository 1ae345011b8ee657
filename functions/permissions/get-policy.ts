import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { Policy, RuleName } from './model.ts';
import { toPolicy } from './policy-rule.ts';
import { policies } from './records.ts';

/** Reads a policy. */
export const getPolicy = operation({
  name: 'permissions.get-policy',
  summary: 'Reads a policy',
  http: { method: 'GET', path: '/api/v1/policies/{policy}' },
  access: 'permissions:read',
  input: z.strictObject({ policy: RuleName }),
  output: Policy,
  errors: ['not_found'],
  reads: [policies],
  run: async ({ store }, { policy }) => {
    const found = await store.get(policies, policy);
    if (!found) throw new AppError('not_found', { detail: 'There is no such policy' });
    return toPolicy(found);
  },
});
