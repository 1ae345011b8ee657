import * as z from 'zod';
import type { Caller } from '../../shared/kit/context.ts';
import { operation } from '../../shared/kit/operation.ts';
import { holds } from '../../shared/kit/permissions.ts';
import { getAccount } from '../users/get-account.ts';
import { decide, type Step } from './decide.ts';
import { CheckPermissionRequest, CheckPermissionResponse } from './question-form.ts';
import { policies, roleAssignments, roles, ruleGenerations } from './records.ts';
import { rulesOf } from './rules.ts';

/** Whether somebody may read the conditions of policies, and so why one could not be judged. */
const readsRules = (caller: Caller): boolean =>
  caller.kind === 'service' || (caller.kind === 'user' && holds(caller.permissions, 'permissions:read'));

/** A step without what its condition says: an error of one names what it asks for. */
const withoutReason = (step: Step): Step =>
  step.outcome === 'fails' ? { ...step, detail: 'its condition can not be judged' } : step;

/**
 * Shows the way to a decision, step by step: what was looked at, in which order, and what came of it. Why a condition could not
 * be judged is told to whoever may read it.
 */
export const explain = operation({
  name: 'permissions.explain',
  summary: 'Shows the way to a decision',
  http: { method: 'POST', path: '/api/v1/permissions/explain' },
  access: ['own', 'service', 'permissions:read'],
  input: CheckPermissionRequest,
  output: CheckPermissionResponse.extend({
    steps: z.array(
      z.object({
        rule: z.string(),
        outcome: z.enum(['allows', 'denies', 'passes', 'fails']),
        detail: z.string(),
      }),
    ),
    rules_version: z.int().meta({ description: 'Which state of all roles and policies decided' }),
  }),
  reads: [roleAssignments, roles, policies, ruleGenerations],
  queries: ['roles.all', 'policies.all'],
  needs: ['clock', 'conditions'],
  calls: { getAccount },
  run: async ({ store, clock, conditions, getAccount }, { user_id, ...question }, { caller }) => {
    const [{ status }, assigned, rules] = await Promise.all([
      getAccount({ user_id }),
      store.get(roleAssignments, user_id),
      rulesOf(store, { clock, conditions }),
    ]);
    const subject = { id: user_id, status, assignments: assigned?.value };
    const steps: Step[] = [];
    const decision = decide(rules, subject, question, Math.floor(clock.now() / 1_000), steps);
    return {
      ...decision,
      steps: readsRules(caller) ? steps : steps.map(withoutReason),
      rules_version: rules.generation,
    };
  },
});
