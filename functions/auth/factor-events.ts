/** Telling that a second factor was set up or removed: in the commit that does it, and to the account at once. */
import { promptly } from '../../shared/kit/promptly.ts';
import type { Log } from '../../shared/ports/log.ts';
import { type Cause, spared } from '../sessions/causes.ts';
import { userMfaDisabled, userMfaEnabled } from './events.ts';

export const FACTOR_EVENTS = [userMfaEnabled, userMfaDisabled] as const;

const causeOf = (enabled: boolean) => (enabled ? ('factor_enabled' as const) : ('factor_removed' as const));

/** Where it was asked for. */
interface Origin {
  ip_address: string;
  user_agent: string;
}

interface Change {
  user_id: string;
  /** The one that asked for it, and goes on; left out: all end. */
  session_id?: string;
  enabled: boolean;
  /** Unix ms. */
  at: number;
}

/** The event of a change. */
export const factorEvent = (
  { user_id, session_id, enabled, at }: Change,
  { email, locale }: { email: string; locale?: string | undefined },
  { ip_address, user_agent }: Origin,
) => {
  const changed_at = new Date(at).toISOString();
  const told = { user_id, email, method: 'totp', ip_address, user_agent, locale, changed_at };
  const event = enabled ? userMfaEnabled : userMfaDisabled;
  return event.with({ ...told, except_session_id: spared(causeOf(enabled), session_id) }, { user_id });
};

interface Calls {
  log: Log;
  noteFactors: (input: {
    user_id: string;
    mfa_enabled: boolean;
    changed_at: number;
    except_session_id?: string | undefined;
  }) => Promise<{ generation?: number | undefined }>;
  endUserSessions: (input: {
    user_id: string;
    generation: number;
    except_session_id?: string | undefined;
    cause: Cause;
  }) => Promise<unknown>;
}

/** Does at once what the event brings about anyway: the account shows it, and its other sessions end. */
export const followFactor = ({ log, noteFactors, endUserSessions }: Calls, change: Change): Promise<void> => {
  const { user_id, session_id, enabled, at } = change;
  const cause = causeOf(enabled);
  const except_session_id = spared(cause, session_id);
  const follow = async (): Promise<void> => {
    const noted = { user_id, mfa_enabled: enabled, changed_at: at, except_session_id };
    const { generation } = await noteFactors(noted);
    if (generation) await endUserSessions({ user_id, generation, except_session_id, cause });
  };
  return promptly(log, 'end the sessions', follow());
};
