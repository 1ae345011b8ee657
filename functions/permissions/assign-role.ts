import * as z from 'zod';
import { revocations as revocationRecords } from '../../shared/keys/revocation-records.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { isoOf, NamedMoment } from '../../shared/kit/moment.ts';
import { operation } from '../../shared/kit/operation.ts';
import { promptly } from '../../shared/kit/promptly.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { addAdministrator } from '../users/add-administrator.ts';
import { getAccount } from '../users/get-account.ts';
import { removeAdministrator } from '../users/remove-administrator.ts';
import { actorOf, requireHeld } from './acting.ts';
import { assignmentsChange, requireUndenied, requireUser, untilOf } from './assignments.ts';
import { roleAssigned } from './events.ts';
import { ADMIN, Reason, RuleName, UserId } from './model.ts';
import { roleAssignments, roles, ruleGenerations } from './records.ts';
import { rolesNow } from './rules.ts';

/** Gives a user a role, for good or until a time. Nobody gives a role that may more than he does. */
export const assignRole = operation({
  name: 'permissions.assign-role',
  summary: 'Gives a user a role',
  http: { method: 'PUT', path: '/api/v1/permissions/users/{user_id}/roles/{role}' },
  access: 'permissions:write',
  input: z.strictObject({ user_id: UserId, role: RuleName, expires_at: NamedMoment.optional(), reason: Reason }),
  output: z.object({ roles: z.array(z.string()) }),
  errors: ['not_found', 'conflict', 'last_administrator'],
  emits: [roleAssigned],
  reads: [roleAssignments, roles, ruleGenerations],
  queries: ['roles.all'],
  writes: [roleAssignments, revocationRecords],
  needs: ['clock', 'log', 'revocations'],
  calls: { getAccount, addAdministrator, removeAdministrator },
  audit: ['expires_at'],
  run: async (
    { store, clock, log, revocations, getAccount, addAdministrator, removeAdministrator },
    { user_id, role, reason, ...given },
    context,
  ) => {
    const expires_at = isoOf(given.expires_at);
    requireUser(await getAccount({ user_id }));
    const assigned = await retryConflict(async () => {
      const now = Math.floor(clock.now() / 1_000);
      const until = untilOf(expires_at, now);
      const rules = await rolesNow(store, clock);
      const loaded = rules.roles.get(role);
      if (!loaded) throw new AppError('not_found', { detail: 'There is no such role' });
      await requireHeld(
        store,
        rules,
        context,
        loaded.permissions.map(({ text }) => text),
        now,
      );
      const read = await store.get(roleAssignments, user_id);
      const { roles: before = [], grants = [] } = read?.value ?? {};
      if (role === ADMIN) requireUndenied(read?.value, now);
      // for a time from now on: then somebody else has to have it for good
      if (role === ADMIN && until !== undefined) await removeAdministrator({ user_id });
      const assignment = { role, epoch: loaded.epoch, expires_at: until, given_by: actorOf(context), given_at: now };
      const next = [...before.filter((each) => each.role !== role), assignment];
      const change = assignmentsChange(user_id, read, { roles: next, grants }, clock.now());
      await store.transact(change.writes, [
        roleAssigned.with({ user_id, role, changed_by: actorOf(context), reason, expires_at }, { user_id }),
      ]);
      revocations.learn(change.notice);
      return { roles: next.map((each) => each.role) };
    });
    // noted after it: whoever is noted is one
    if (role === ADMIN && expires_at === undefined) {
      await promptly(log, 'note the administrator', addAdministrator({ user_id }));
    }
    return assigned;
  },
});
