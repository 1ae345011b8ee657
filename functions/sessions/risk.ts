/**
 * How risky logins of an account are: sessions that were used within a day from somewhere else than they were begun, or
 * from another device, weigh on it. Services say so when they validate tokens; each session counts once for each.
 */
import { counterKey } from '../../shared/kit/counter-key.ts';
import type { ClientChange } from '../../shared/ports/client-marks.ts';
import type { Secrets } from '../../shared/ports/secrets.ts';

/** In hundredths. A phone changes its network all the time; a session that changes its device was perhaps stolen. */
export const WEIGHTS: Readonly<Record<ClientChange, number>> = { ip_changed: 10, device_changed: 40 };

/** The risk that so many hundredths are, from 0 to 1. @example riskOf(50) // 0.5 */
export const riskOf = (hundredths = 0): number => Math.min(1, hundredths / 100);

/** The id of the count of an account. */
export const riskKey = (secrets: Secrets, user_id: string): string => counterKey(secrets, 'risk', user_id);

/** The id of the mark that a session has counted. */
export const changeKey = (secrets: Secrets, session_id: string, change: ClientChange): string =>
  counterKey(secrets, 'risk', session_id, change);
