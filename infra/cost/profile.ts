/** How a deployment is used: the sizes that costs are told for, and what a user does. Change it to your own. */
import { HEARTBEAT_MS } from '../../functions/notifications/connected.ts';
import type { FlowName } from './counts.ts';

/** Of each monthly active user in a month. A tenth of them is new. */
export const PROFILE: Readonly<Record<Exclude<FlowName, 'minute'>, number>> = {
  validation: 100,
  login: 4,
  registration: 0.1,
  refresh: 40,
  logout: 1,
};

export interface Size {
  users: number;
  /** The part of calls that a new container answers: the rarer calls are, the more. AWS speaks of less than one in a hundred. */
  cold: number;
}

export const SIZES: readonly Size[] = [
  { users: 10_000, cold: 0.05 },
  { users: 100_000, cold: 0.02 },
  { users: 1_000_000, cold: 0.01 },
];

/** Ms that a function waits for a call of another service: all are taken to come one after another. */
export const WAIT_MS = 5;
/** MB that come with one whole processor; less memory has less of it, but while it starts. */
export const PROCESSOR_MB = 1769;
/** Empty looks at a queue in a month: five at once, each 20 s long, as Lambda does where concurrency is bounded. */
export const POLLS = (5 * 30 * 86_400) / 20;
/** How often a client of a WebSocket says that it is there: the heartbeat that it is told, four minutes. */
export const PING_MINUTES = HEARTBEAT_MS / 60_000;
export const MINUTES = 30 * 24 * 60;
/** X-Ray takes the first of each second and this part of the others (infra/generated/resources.yml). */
export const TRACED = 0.05;
/** Months of what flows leave behind that are kept at once; nothing is taken to expire within them. */
export const KEPT_MONTHS = 12;
