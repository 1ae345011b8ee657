/**
 * How risky a login is, from 0 to 1: what is unlike the logins before it, failures before it, and sessions of the account
 * that were used within a day from somewhere else than they were begun. Services say the last when they validate tokens;
 * each session counts once for each. The first login of an account is like any: there is nothing to compare it with.
 */
import { counterKey } from '../../shared/kit/counter-key.ts';
import type { ClientChange } from '../../shared/ports/client-marks.ts';
import type { Place } from '../../shared/ports/places.ts';
import type { Secrets } from '../../shared/ports/secrets.ts';
import { isTooFar } from './travel.ts';

/** In hundredths. A phone changes its network all the time; a session that changes its device was perhaps stolen. */
export const WEIGHTS: Readonly<Record<ClientChange, number>> = { ip_changed: 10, device_changed: 40 };
const LOGIN_WEIGHTS = { new_device: 30, new_network: 20, impossible_travel: 50 } as const;
const FOR_A_FAILURE = 5;
const FOR_FAILURES = 30;

/** Riskier logins are told to the owner, and to whoever hears of suspicious activity. */
export const RISKY = 0.7;

/** What the logins before have left. */
export interface Usual {
  networks: readonly string[];
  devices: readonly string[];
  last?: { at: number; place?: Place };
}

/** A login as it is judged. `network` and `device` are marks, empty where nothing is known. */
export interface Judged {
  network: string;
  device: string;
  /** It showed the token of an earlier login. */
  known: boolean;
  /** Since the last login. */
  failures: number;
  /** Hundredths of sessions that changed their client. */
  changes: number;
  place?: Place | undefined;
  /** Unix seconds. */
  at: number;
}

export interface Risk {
  /** 0 to 1. */
  score: number;
  reasons: string[];
}

/** The risk of a login. @example riskOf(undefined, login) // { score: 0, reasons: [] } */
export const riskOf = (usual: Usual | undefined, login: Judged): Risk => {
  const reasons: (keyof typeof LOGIN_WEIGHTS)[] = [];
  if (usual && !login.known && login.device && !usual.devices.includes(login.device)) reasons.push('new_device');
  if (usual && login.network && !usual.networks.includes(login.network)) reasons.push('new_network');
  if (
    usual?.last?.place &&
    login.place &&
    isTooFar({ at: usual.last.at, place: usual.last.place }, { at: login.at, place: login.place })
  )
    reasons.push('impossible_travel');
  const failures = Math.min(FOR_FAILURES, login.failures * FOR_A_FAILURE);
  const hundredths = reasons.reduce((sum, reason) => sum + LOGIN_WEIGHTS[reason], failures + login.changes);
  return {
    score: Math.min(100, hundredths) / 100,
    reasons: [...reasons, ...(failures ? ['failures_before'] : []), ...(login.changes ? ['clients_changed'] : [])],
  };
};

/** The id of the count of an account. */
export const riskKey = (secrets: Secrets, user_id: string): string => counterKey(secrets, 'risk', user_id);

/** The id of the mark that a session has counted. */
export const changeKey = (secrets: Secrets, session_id: string, change: ClientChange): string =>
  counterKey(secrets, 'risk', session_id, change);
