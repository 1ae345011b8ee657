import * as z from 'zod';
import { revocations as revocationRecords } from '../../shared/keys/revocation-records.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { insert } from '../../shared/ports/store.ts';
import { requireHeld } from './acting.ts';
import { beginChange } from './change-rule.ts';
import { Policy, PolicyFields, RuleName } from './model.ts';
import { requireSoundCondition, toPolicy, touchedBy } from './policy-rule.ts';
import { type PolicyRecord, policies, roleAssignments, roles, ruleGenerations, ruleVersions } from './records.ts';
import { MOST_RULES, rulesOf } from './rules.ts';

/** Makes a policy. Its condition is type-checked; what it allows or denies is held by its maker. */
export const createPolicy = operation({
  name: 'permissions.create-policy',
  summary: 'Makes a policy',
  http: { method: 'POST', path: '/api/v1/policies', status: 201 },
  access: 'permissions:write',
  input: z.strictObject({ name: RuleName, ...PolicyFields.shape }),
  output: Policy,
  errors: ['already_exists', 'conflict'],
  reads: [roleAssignments, roles, policies, ruleGenerations],
  queries: ['roles.all', 'policies.all'],
  writes: [policies, ruleVersions, ruleGenerations, revocationRecords],
  needs: ['clock', 'conditions', 'revocations'],
  audit: ['name'],
  run: async ({ store, clock, conditions, revocations }, { name, ...fields }, context) => {
    await requireSoundCondition(conditions, fields);
    return retryConflict(async () => {
      const now = Math.floor(clock.now() / 1_000);
      const change = await beginChange(store, context, clock.now());
      const rules = await rulesOf(store, { clock, conditions });
      if (await store.get(policies, name)) {
        throw new AppError('already_exists', { detail: 'There is such a policy already' });
      }
      if (rules.policies.length >= MOST_RULES) {
        const message = `There are ${MOST_RULES} policies already`;
        throw new AppError('invalid_request', { errors: [{ path: 'name', message }] });
      }
      await requireHeld(store, rules, context, touchedBy(fields), now);
      const value: PolicyRecord = { ...fields, ...change.changed };
      await store.transact([insert(policies, name, value), ...change.writes('policy', name, fields)]);
      revocations.learn(change.notice);
      return toPolicy({ id: name, value });
    });
  },
});
