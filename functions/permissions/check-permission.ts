import { operation } from '../../shared/kit/operation.ts';
import { getAccount } from '../users/get-account.ts';
import { EVALUATION } from './authzen.ts';
import { decide } from './decide.ts';
import { CheckPermissionRequest, CheckPermissionResponse } from './question-form.ts';
import { NOTE_PORTS, NOTE_WRITES, noteDecision } from './recent-decisions.ts';
import { policies, roleAssignments, roles, ruleGenerations } from './records.ts';
import { isNamed, rulesOf } from './rules.ts';

/** Decides whether a user may do an action on a resource now, and says why. A refusal is an answer, not an error. */
export const checkPermission = operation({
  name: 'permissions.check-permission',
  summary: 'Decides whether a user may do something',
  http: [{ method: 'POST', path: '/api/v1/permissions/check' }, EVALUATION],
  rpc: { method: 'perfect21.permission.PermissionService/CheckPermission' },
  access: ['own', 'service'],
  input: CheckPermissionRequest,
  output: CheckPermissionResponse,
  reads: [roleAssignments, roles, policies, ruleGenerations],
  queries: ['roles.all', 'policies.all'],
  writes: NOTE_WRITES,
  needs: [...NOTE_PORTS, 'conditions', 'metrics'],
  calls: { getAccount },
  audit: 'events',
  run: async ({ conditions, metrics, getAccount, ...given }, { user_id, ...question }) => {
    const { store, clock } = given;
    const [{ status }, assigned, rules] = await Promise.all([
      getAccount({ user_id }),
      store.get(roleAssignments, user_id),
      rulesOf(store, { clock, conditions }),
    ]);
    const subject = { id: user_id, status, assignments: assigned?.value };
    const decision = decide(rules, subject, question, Math.floor(clock.now() / 1_000));
    // names come from callers: only those that a rule knows may be labels
    const { resource, action } = isNamed(rules, question.resource, question.action) ? question : OTHER;
    metrics.count('perfect21_permission_checks_total', {
      resource,
      action,
      result: decision.allowed ? 'allowed' : 'denied',
    });
    await noteDecision(given, user_id, question);
    return decision;
  },
});

const OTHER = { resource: 'other', action: 'other' };
