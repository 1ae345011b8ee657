import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { getAccounts } from '../users/get-accounts.ts';
import { decide, REASONS } from './decide.ts';
import { PolicyFields, RoleFields, RuleName } from './model.ts';
import { requireSoundCondition } from './policy-rule.ts';
import { policies, recentDecisions, roleAssignments, roles, ruleGenerations } from './records.ts';
import { requireOwnRole, requireSoundRole } from './role-rule.ts';
import { rulesOf, withPolicy, withRole } from './rules.ts';

const Verdict = z.object({ allowed: z.boolean(), reason: z.enum(REASONS) });

const removes = { description: 'As it would be; null: it would be removed' };
const Change = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('role'), name: RuleName, rule: RoleFields.nullable().meta(removes) }),
  z.strictObject({ kind: z.literal('policy'), name: RuleName, rule: PolicyFields.nullable().meta(removes) }),
]);

/**
 * Says which of the last decisions a change of a role or policy would turn. Nothing is changed.
 *
 * It looks at a sample: one decision a second of each process, a day back. Each is decided twice, by the rules of now and
 * by the changed ones, with what its user has now.
 */
export const dryRun = operation({
  name: 'permissions.dry-run',
  summary: 'Says which of the last decisions a change would turn',
  http: { method: 'POST', path: '/api/v1/permissions/dry-run' },
  access: 'permissions:read',
  input: z.strictObject({
    change: Change,
    last: z.int().min(1).max(1_000).default(200).meta({ description: 'How many decisions to look at' }),
  }),
  output: z.object({
    considered: z.int(),
    since: z.int().optional().meta({ description: 'The oldest of them, unix seconds' }),
    turned: z.array(
      z.object({
        user_id: z.string(),
        resource: z.string(),
        action: z.string(),
        scope: z.string().optional(),
        at: z.int().meta({ description: 'Unix seconds' }),
        before: Verdict,
        after: Verdict,
      }),
    ),
  }),
  reads: [roleAssignments, roles, policies, ruleGenerations, recentDecisions],
  queries: ['roles.all', 'policies.all', 'recent_decisions.recent'],
  needs: ['clock', 'conditions'],
  calls: { getAccounts },
  run: async ({ store, clock, conditions, getAccounts }, { change, last }) => {
    const rules = await rulesOf(store, { clock, conditions });
    if (change.kind === 'role') {
      requireOwnRole(change.name);
      if (change.rule) requireSoundRole(rules, change.name, change.rule);
    } else if (change.rule) await requireSoundCondition(conditions, change.rule);
    const changed =
      change.kind === 'role'
        ? withRole(rules, change.name, change.rule)
        : await withPolicy(rules, change.name, change.rule, conditions);

    const { items } = await store.query(recentDecisions, 'recent', 'all', { limit: last, order: 'desc' });
    if (items.length === 0) return { considered: 0, turned: [] };
    const ids = [...new Set(items.map(({ value }) => value.user_id))];
    const [{ accounts }, assigned] = await Promise.all([
      getAccounts({ user_ids: ids }),
      store.getMany(roleAssignments, ids),
    ]);
    const now = Math.floor(clock.now() / 1_000);
    const turned = items.flatMap(({ value: { user_id: id, at, ...question } }) => {
      const status = Object.hasOwn(accounts, id) ? accounts[id]!.status : undefined;
      const subject = { id, status, assignments: assigned.get(id)?.value };
      const [before, after] = [rules, changed].map((each) => decide(each, subject, question, now));
      if (before!.allowed === after!.allowed) return [];
      const { resource, action, scope } = question;
      return [{ user_id: id, resource, action, scope, at: Math.floor(at / 1_000), before: before!, after: after! }];
    });
    return { considered: items.length, since: Math.floor(items.at(-1)!.value.at / 1_000), turned };
  },
});
