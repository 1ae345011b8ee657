import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { getAccounts } from '../users/get-accounts.ts';
import { EVALUATIONS } from './authzen.ts';
import { decideFor, prepare } from './decide.ts';
import { CheckPermissionRequest, CheckPermissionResponse } from './question-form.ts';
import { NOTE_PORTS, NOTE_WRITES, noteDecision } from './recent-decisions.ts';
import { policies, roleAssignments, roles, ruleGenerations } from './records.ts';
import { rulesOf } from './rules.ts';

/** Decides many checks by the same rules, in their order; each user is read once. */
export const checkPermissions = operation({
  name: 'permissions.check-permissions',
  summary: 'Decides up to 1,000 checks at once',
  http: [{ method: 'POST', path: '/api/v1/permissions/check/batch', limit: 1024 * 1024 }, EVALUATIONS],
  rpc: { method: 'perfect21.permission.PermissionService/BatchCheckPermissions' },
  access: ['own', 'service'],
  subjects: ({ checks }) => checks.map(({ user_id }) => user_id),
  input: z.strictObject({ checks: z.array(CheckPermissionRequest).min(1).max(1_000) }),
  output: z.object({ results: z.array(CheckPermissionResponse) }),
  reads: [roleAssignments, roles, policies, ruleGenerations],
  queries: ['roles.all', 'policies.all'],
  writes: NOTE_WRITES,
  needs: [...NOTE_PORTS, 'conditions', 'metrics'],
  calls: { getAccounts },
  audit: 'events',
  run: async ({ conditions, metrics, getAccounts, ...given }, { checks }) => {
    const { store, clock } = given;
    const ids = [...new Set(checks.map(({ user_id }) => user_id))];
    const [{ accounts }, assigned, rules] = await Promise.all([
      getAccounts({ user_ids: ids }),
      store.getMany(roleAssignments, ids),
      rulesOf(store, { clock, conditions }),
    ]);
    const now = Math.floor(clock.now() / 1_000);
    const subjects = new Map(
      ids.map((id) => {
        const status = Object.hasOwn(accounts, id) ? accounts[id]!.status : undefined;
        return [id, prepare(rules, { id, status, assignments: assigned.get(id)?.value }, now)];
      }),
    );
    const results = checks.map((question) => decideFor(rules, subjects.get(question.user_id)!, question));
    const allowed = results.filter((result) => result.allowed).length;
    const count = (result: string, by: number) =>
      metrics.count('perfect21_permission_checks_total', { resource: 'batch', action: 'batch', result }, by);
    count('allowed', allowed);
    count('denied', results.length - allowed);
    const { user_id, ...first } = checks[0]!;
    await noteDecision(given, user_id, first);
    return { results };
  },
});
