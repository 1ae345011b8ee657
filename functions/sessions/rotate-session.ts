import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { type Stored, update } from '../../shared/ports/store.ts';
import { issueTokens } from '../auth/issue-tokens.ts';
import { Tokens } from '../auth/model.ts';
import { getAccount } from '../users/get-account.ts';
import { endSession } from './end-session.ts';
import { Client, expiryOf, fingerprint, locationOf, markedOf } from './model.ts';
import { type SessionRecord, sessions } from './records.ts';
import { hashOf, isHashOf, mint, openUnder, read, sealUnder } from './refresh-token.ts';

/**
 * Exchanges a refresh token for its successor (RFC 9700 §4.14.2).
 *
 * - The current token: one compare-and-set of the session's generation makes the successor.
 * - Its direct parent, from the same client within the grace: the same successor again, so that a client that races
 *   itself or lost an answer goes on.
 * - Any older one: somebody copied it. The session ends with all its tokens, and its owner is told.
 */
export const rotateSession = operation({
  name: 'sessions.rotate-session',
  summary: 'Exchanges a refresh token for its successor',
  access: 'service',
  input: z.strictObject({ refresh_token: z.string(), client: Client }),
  output: Tokens,
  errors: ['invalid_refresh_token', 'conflict', 'too_many_requests'],
  reads: [sessions],
  writes: [sessions],
  needs: ['clock', 'ids', 'secrets', 'settings'],
  calls: { getAccount, endSession, issueTokens },
  run: ({ store, clock, ids, secrets, settings, getAccount, endSession, issueTokens }, { refresh_token, client }) =>
    retryConflict(async () => {
      const refused = new AppError('invalid_refresh_token');
      const presented = read(secrets, refresh_token);
      const session = presented && (await store.get(sessions, presented.session_id));
      if (!session) throw refused;
      const { user_id } = session.value;

      const account = await getAccount({ user_id });
      const spared = account.spared_session_id === session.id;
      if (account.status !== 'active' || (session.value.generation < account.generation && !spared)) {
        const cause = account.status === 'active' ? ('password_changed' as const) : ('status_changed' as const);
        await endSession({ session_id: session.id, user_id, cause });
        throw refused;
      }

      const { generation } = account;
      const tokensWith = (refresh_token: string) => {
        const { device_info = session.value.device_info } = client;
        const marked = markedOf({ ...client, device_info });
        const { created_at: auth_time, amr } = session.value;
        const proven = { auth_time, amr };
        return issueTokens({ session_id: session.id, user_id, generation, refresh_token, client: marked, ...proven });
      };
      if (isHashOf(session.value.refresh_hash, refresh_token)) {
        if (isTooBusy(session.value, clock.now(), settings.rate_limits))
          throw new AppError('too_many_requests', { retry_after: BUSY_MS / 1000 });
        const successor = mint(secrets, ids, session.id, session.value.refresh_generation + 1);
        const next = { ...rotated(session, refresh_token, successor, client, clock.now()), generation };
        // signed before the old token is spent: who gets no answer may try again
        const tokens = await tokensWith(successor);
        await store.transact([update(sessions, session, next, { expires_at: expiryOf(next, settings) })]);
        return tokens;
      }
      const { parent } = session.value;
      const racing =
        parent &&
        isHashOf(parent.hash, refresh_token) &&
        parent.client === fingerprint(client) &&
        clock.now() - parent.rotated_at_ms <= settings.refresh_grace * 1000;
      if (racing) return tokensWith(openUnder(refresh_token, parent.sealed_successor));

      await endSession({ session_id: session.id, user_id, cause: 'refresh_token_reused', client });
      throw refused;
    }, 25),
});

/** Refreshes of one session in a minute: each may leave a revocation behind that every verifier has to know. */
const BUSY_MS = 60_000;
const BUSY = 30;

const isTooBusy = ({ busy }: SessionRecord, now: number, factor: number): boolean =>
  busy !== undefined && now - busy.since_ms < BUSY_MS && busy.refreshes >= BUSY * factor;

const busier = ({ busy }: SessionRecord, now: number): SessionRecord['busy'] =>
  busy && now - busy.since_ms < BUSY_MS
    ? { since_ms: busy.since_ms, refreshes: busy.refreshes + 1 }
    : { since_ms: now, refreshes: 1 };

const rotated = (
  { value }: Stored<SessionRecord>,
  parent: string,
  successor: string,
  client: Client,
  now: number,
): SessionRecord => ({
  ...value,
  refresh_generation: value.refresh_generation + 1,
  refresh_hash: hashOf(successor),
  parent: {
    hash: hashOf(parent),
    rotated_at_ms: now,
    client: fingerprint(client),
    sealed_successor: sealUnder(parent, successor),
  },
  busy: busier(value, now),
  last_used_at: Math.floor(now / 1000),
  ip_address: client.ip_address,
  user_agent: client.user_agent,
  device_info: client.device_info ?? value.device_info,
  location: locationOf(client.place) ?? value.location,
});
