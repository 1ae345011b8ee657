import * as z from 'zod';
import { revocations as revocationRecords } from '../../shared/keys/revocation-records.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { update } from '../../shared/ports/store.ts';
import { requireHeld } from './acting.ts';
import { beginChange } from './change-rule.ts';
import { Policy, PolicyFields, RuleName } from './model.ts';
import { requireSoundCondition, toPolicy, touchedBy } from './policy-rule.ts';
import { type PolicyRecord, policies, roleAssignments, roles, ruleGenerations, ruleVersions } from './records.ts';
import { rolesNow } from './rules.ts';

/** Replaces what a policy says, from the next decision on. */
export const putPolicy = operation({
  name: 'permissions.put-policy',
  summary: 'Replaces a policy',
  http: { method: 'PUT', path: '/api/v1/policies/{policy}' },
  access: 'permissions:write',
  input: z.strictObject({ policy: RuleName, ...PolicyFields.shape }),
  output: Policy,
  errors: ['not_found', 'conflict'],
  reads: [roleAssignments, roles, policies, ruleGenerations],
  queries: ['roles.all'],
  writes: [policies, ruleVersions, ruleGenerations, revocationRecords],
  needs: ['clock', 'conditions', 'revocations'],
  run: async ({ store, clock, conditions, revocations }, { policy: name, ...fields }, context) => {
    await requireSoundCondition(conditions, fields);
    return retryConflict(async () => {
      const now = Math.floor(clock.now() / 1_000);
      const change = await beginChange(store, context, clock.now());
      const rules = await rolesNow(store, clock);
      const read = await store.get(policies, name);
      if (!read) throw new AppError('not_found', { detail: 'There is no such policy' });
      await requireHeld(store, rules, context, [...touchedBy(read.value), ...touchedBy(fields)], now);
      const value: PolicyRecord = { ...fields, ...change.changed };
      await store.transact([update(policies, read, value), ...change.writes('policy', name, fields)]);
      revocations.learn(change.notice);
      return toPolicy({ id: name, value });
    });
  },
});
