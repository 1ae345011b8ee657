import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { holds } from '../../shared/kit/permissions.ts';
import { effective } from './effective.ts';
import { roleAssignments, roles, ruleGenerations } from './records.ts';
import { rolesNow } from './rules.ts';

/** Says which of some permissions a user does not hold now, whatever a token of his says: nobody gives what he does not hold. */
export const findLacking = operation({
  name: 'permissions.find-lacking',
  summary: 'Says which of some permissions a user lacks',
  access: 'service',
  input: z.strictObject({ user_id: z.string(), permissions: z.array(z.string()) }),
  output: z.object({ lacking: z.array(z.string()) }),
  reads: [roleAssignments, roles, ruleGenerations],
  queries: ['roles.all'],
  needs: ['clock'],
  run: async ({ store, clock }, { user_id, permissions }) => {
    const [assigned, rules] = await Promise.all([store.get(roleAssignments, user_id), rolesNow(store, clock)]);
    const held = effective(rules, assigned?.value, Math.floor(clock.now() / 1_000)).permissions;
    return { lacking: permissions.filter((each) => !holds(held, each)) };
  },
});
