import type { Context } from '../../shared/kit/context.ts';
import { AppError } from '../../shared/kit/errors.ts';
import type { Clock } from '../../shared/ports/clock.ts';

/** Seconds since the login; whoever only holds a token that he found can't do what asks for it. */
const RECENT_S = 15 * 60;

type GetSession = (input: { session_id: string; user_id: string }) => Promise<{ created_at?: number | undefined }>;

/**
 * The caller, when that is a user who logged in within the last 15 minutes (ASVS 7.5.1).
 *
 * @throws AppError `unauthenticated` for anybody else, `forbidden` when the login is older
 * @example const { user_id, session_id } = await recentLogin(clock, getSession, context);
 */
export const recentLogin = async (
  clock: Clock,
  getSession: GetSession,
  { caller }: Pick<Context, 'caller'>,
): Promise<{ user_id: string; session_id: string }> => {
  if (caller.kind !== 'user') throw new AppError('unauthenticated');
  const { user_id, session_id } = caller;
  const { created_at = 0 } = await getSession({ session_id, user_id });
  if (clock.now() / 1_000 - created_at > RECENT_S) {
    throw new AppError('forbidden', { detail: 'Log in again first: this asks for a login of the last 15 minutes' });
  }
  return { user_id, session_id };
};
