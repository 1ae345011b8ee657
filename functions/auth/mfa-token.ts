/**
 * What a login gives that a code is missing of: `p21m_…`, sealed, so that only this platform reads what it says. It is good
 * for five minutes, for the client that gave the password, and for one login; it opens nothing else.
 */
import * as z from 'zod';
import type { Ids } from '../../shared/ports/clock.ts';
import type { Sealer } from '../../shared/ports/secrets.ts';
import { digest } from './model.ts';

const PREFIX = 'p21m_';
const PURPOSE = 'mfa-token';
export const MFA_TOKEN_MS = 300_000;

const Pending = z.strictObject({
  /** Names this login, to count its codes. */
  id: z.string(),
  user_id: z.string(),
  email: z.string(),
  /** The account's when the password was compared: another one since then makes the token void. */
  generation: z.int(),
  /** The device that logged in before, if it is one. */
  known: z.string().optional(),
  /** Failed tries before it. */
  failures: z.int(),
  /** Of the client that gave the password. */
  agent: z.string(),
  device_info: z.record(z.string(), z.string()).optional(),
  until: z.int(),
});
/** A login whose password was right. */
export type Pending = z.output<typeof Pending>;

type Login = Omit<Pending, 'id' | 'agent' | 'until'> & { user_agent: string };

/** The token of a login. `now` is unix ms. */
export const mintMfaToken = (sealer: Sealer, ids: Ids, { user_agent, ...login }: Login, now: number): string => {
  const pending: Pending = { ...login, id: ids.uuid(), agent: digest(user_agent), until: now + MFA_TOKEN_MS };
  return PREFIX + sealer.seal(JSON.stringify(pending), PURPOSE);
};

/** The login that a token is of, for the client that began it; undefined for any other text, client or time. */
export const readMfaToken = (sealer: Sealer, token: string, user_agent: string, now: number): Pending | undefined => {
  const text = token.startsWith(PREFIX) ? sealer.open(token.slice(PREFIX.length), PURPOSE) : undefined;
  if (text === undefined) return undefined;
  const pending = Pending.parse(JSON.parse(text));
  return now < pending.until && pending.agent === digest(user_agent) ? pending : undefined;
};
