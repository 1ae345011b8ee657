import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { getAccount } from '../users/get-account.ts';
import { EVALUATION } from './authzen.ts';
import { decide, REASONS } from './decide.ts';
import { UserId } from './model.ts';
import { NOTE_PORTS, NOTE_WRITES, noteDecision } from './recent-decisions.ts';
import { policies, roleAssignments, roles, ruleGenerations } from './records.ts';
import { isNamed, rulesOf } from './rules.ts';

const Name = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/, 'Use 1 to 64 of A-Z, a-z, 0-9, _, . and -, a letter first');

/** What is asked. */
export const Question = {
  resource: Name.meta({ examples: ['docs'] }),
  action: Name.meta({ examples: ['read'] }),
  scope: z.string().max(128).optional().meta({ description: '`own`, `team:<id>`, `any`, or a scope of your own' }),
  context: z
    .record(z.string().max(64), z.union([z.string().max(1_024), z.number(), z.boolean()]))
    .refine((context) => Object.keys(context).length <= 50, 'At most 50 entries')
    .default({})
    .meta({
      description: 'For conditions. `resource.<name>` is an attribute of the resource; `owner_id` says whose it is',
    }),
};
export const CheckPermissionRequest = z.strictObject({ user_id: UserId, ...Question });
export const CheckPermissionResponse = z.object({
  allowed: z.boolean(),
  reason: z.enum(REASONS),
  applied_policies: z.array(z.string()).meta({ description: 'What decided: `role:…`, `grant:…`, `policy:…`' }),
});

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
