import * as z from 'zod';
import { revocations as revocationRecords } from '../../shared/keys/revocation-records.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { remove } from '../../shared/ports/store.ts';
import { requireHeld } from './acting.ts';
import { beginChange } from './change-rule.ts';
import { RuleName } from './model.ts';
import { touchedBy } from './policy-rule.ts';
import { policies, roleAssignments, roles, ruleGenerations, ruleVersions } from './records.ts';
import { rolesNow } from './rules.ts';

/** Deletes a policy, from the next decision on. */
export const deletePolicy = operation({
  name: 'permissions.delete-policy',
  summary: 'Deletes a policy',
  http: { method: 'DELETE', path: '/api/v1/policies/{policy}', status: 204 },
  access: 'permissions:write',
  input: z.strictObject({ policy: RuleName }),
  output: z.object({}),
  errors: ['not_found', 'conflict'],
  reads: [roleAssignments, roles, policies, ruleGenerations],
  queries: ['roles.all'],
  writes: [policies, ruleVersions, ruleGenerations, revocationRecords],
  needs: ['clock', 'revocations'],
  run: ({ store, clock, revocations }, { policy: name }, context) =>
    retryConflict(async () => {
      const now = Math.floor(clock.now() / 1_000);
      const change = await beginChange(store, context, clock.now());
      const read = await store.get(policies, name);
      if (!read) throw new AppError('not_found', { detail: 'There is no such policy' });
      await requireHeld(store, await rolesNow(store, clock), context, touchedBy(read.value), now);
      await store.transact([remove(policies, read), ...change.writes('policy', name, undefined)]);
      revocations.learn(change.notice);
      return {};
    }),
});
