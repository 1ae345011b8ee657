/** Who changes what others may do, and whether he may: nobody gives or takes what he does not hold himself. */
import type { Caller, Context } from '../../shared/kit/context.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { holds } from '../../shared/kit/permissions.ts';
import type { Reader } from '../../shared/ports/store.ts';
import { effective } from './effective.ts';
import { roleAssignments } from './records.ts';
import type { Roles } from './rules.ts';

/** A user's id or a service's name, for the record of a change. */
export const actorOf = ({ caller }: Context): string =>
  caller.kind === 'user' ? caller.user_id : caller.kind === 'service' ? caller.name : '';

/** What a caller may do now: a user's token may be older than the last change of it. */
const heldBy = async (store: Reader<'role_assignments'>, rules: Roles, caller: Caller, now: number) => {
  if (caller.kind === 'anonymous') return [];
  if (caller.kind === 'service') return caller.permissions;
  return effective(rules, (await store.get(roleAssignments, caller.user_id))?.value, now).permissions;
};

/**
 * Makes sure that a caller holds all that he gives or takes: with less, a clerk could shut out whoever stands above him.
 *
 * @throws AppError `forbidden` that names the first permission that he lacks
 */
export const requireHeld = async (
  store: Reader<'role_assignments'>,
  rules: Roles,
  { caller }: Context,
  permissions: readonly string[],
  now: number,
): Promise<void> => {
  const held = await heldBy(store, rules, caller, now);
  const lacking = permissions.find((permission) => !holds(held, permission));
  if (lacking) throw new AppError('forbidden', { detail: `Nobody gives or takes what he does not hold: ${lacking}` });
};
