/** Whether a caller may all that somebody else may: outside of this service, of which `acting.ts` asks the same. */
import type { Caller } from '../../shared/kit/context.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { holds } from '../../shared/kit/permissions.ts';

type FindLacking = (input: { user_id: string; permissions: string[] }) => Promise<{ lacking: string[] }>;

/**
 * Makes sure that a caller holds all that he gives, or takes from somebody.
 *
 * @param findLacking asks for what a user holds now, whatever his token says
 * @throws AppError `forbidden` that names the first permission that he lacks
 */
export const requireAllOf = async (
  caller: Caller,
  permissions: readonly string[],
  findLacking: FindLacking,
): Promise<void> => {
  const lacking =
    caller.kind === 'user'
      ? (await findLacking({ user_id: caller.user_id, permissions: [...permissions] })).lacking
      : permissions.filter((each) => caller.kind !== 'service' || !holds(caller.permissions, each));
  if (lacking[0] === undefined) return;
  throw new AppError('forbidden', { detail: `Nobody gives or takes what he does not hold: ${lacking[0]}` });
};
