/** What follows a commit and must not take back its answer. */
import type { Log } from '../ports/log.ts';
import { toAppError } from './errors.ts';

/**
 * Does now what an event handler makes sure of anyway. What fails is logged and left to the handler: the change is
 * committed, and an answer of 5xx would say that it is not.
 *
 * @example await promptly(log, 'sessions.end', endUserSessions({ user_id, generation, reason }));
 */
export const promptly = async (log: Log, what: string, work: Promise<unknown>): Promise<void> => {
  try {
    await work;
  } catch (cause) {
    log.warn('followup.failed', { what, error_code: toAppError(cause).code, cause });
  }
};
