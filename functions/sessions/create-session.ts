import * as z from 'zod';
import { revocations as revocationRecords } from '../../shared/keys/revocation-records.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { insert, update } from '../../shared/ports/store.ts';
import { securityAlert, suspiciousActivity, userLogin } from '../auth/events.ts';
import { issueTokens } from '../auth/issue-tokens.ts';
import { Amr, Tokens } from '../auth/model.ts';
import { alarmsOf } from './alarm.ts';
import { sessionRevoked } from './events.ts';
import { Client, expiryOf, locationOf, markedOf } from './model.ts';
import { clientChanges, logins, type SessionRecord, sessions } from './records.ts';
import { hashOf, mint } from './refresh-token.ts';
import { riskKey, riskOf } from './risk.ts';
import { roomFor } from './room.ts';
import { marksOf, usualAfter } from './usual.ts';

/** Logins of the same user at once, each of which writes the one list of them. */
const TRIES = 50;

/**
 * Begins a session for a user who has just proven who it is. Committed with it are the event of the login, with its risk,
 * what that alarms, and the end of the oldest session where the user has as many as one may have.
 */
export const createSession = operation({
  name: 'sessions.create-session',
  summary: 'Begins a session',
  access: 'service',
  input: z.strictObject({
    user_id: z.string(),
    email: z.string(),
    generation: z.int(),
    amr: Amr.meta({ description: 'How it was proven (RFC 8176)' }),
    client: Client,
    known: z.boolean().default(false).meta({ description: 'The device showed the token of an earlier login' }),
    failures: z.int().min(0).default(0).meta({ description: 'Failed tries before it' }),
  }),
  output: Tokens,
  errors: ['conflict'],
  emits: [userLogin, sessionRevoked, suspiciousActivity, securityAlert],
  reads: [clientChanges],
  writes: [sessions, logins, revocationRecords],
  needs: ['clock', 'ids', 'metrics', 'places', 'revocations', 'secrets', 'settings'],
  calls: { issueTokens },
  run: async ({ store, metrics, places, revocations, issueTokens, ...given }, input) => {
    const { clock, ids, secrets, settings } = given;
    const { user_id, email, generation, amr, client, known, failures } = input;
    const now = Math.floor(clock.now() / 1000);
    const session_id = ids.uuid();
    const refresh_token = mint(secrets, ids, session_id, 1);
    const { ip_address, user_agent, device_info = {} } = client;
    const place = client.place ?? (await places.of(ip_address).catch(() => undefined));
    const location = locationOf(place);
    const session: SessionRecord = {
      user_id,
      generation,
      refresh_generation: 1,
      refresh_hash: hashOf(refresh_token),
      created_at: now,
      last_used_at: now,
      absolute_expires_at: now + settings.refresh_absolute_ttl,
      ip_address,
      user_agent,
      device_info,
      ...(location && { location }),
      amr,
    };
    // signed before it is committed: a session that nobody got the tokens of would stay behind
    const marked = { client: markedOf(client), auth_time: now, amr };
    const tokens = await issueTokens({ user_id, session_id, generation, refresh_token, ...marked });
    const changes = (await store.get(clientChanges, riskKey(secrets, user_id)))?.value.count ?? 0;
    const marks = { ...marksOf(secrets, user_id, client), place, at: now };
    const origin = { ip_address, user_agent, ...(location && { location }) };
    await retryConflict(async () => {
      const before = await store.get(logins, user_id);
      const room = await roomFor(store, given, user_id, before);
      const risk = riskOf(before?.value, { ...marks, known, failures, changes });
      const alarms = alarmsOf(risk, { user_id, session_id, ...origin });
      const value = { ...usualAfter(before?.value, marks), session_ids: [...room.session_ids, session_id] };
      const login = { user_id, email, login_successful: true, ...origin, mfa_used: amr.includes('mfa') };
      const told = { ...login, ...(risk.score && { risk_score: risk.score }), ...(alarms.length && { alerted: true }) };
      await store.transact(
        [
          insert(sessions, session_id, session, { expires_at: expiryOf(session, settings) }),
          before ? update(logins, before, value) : insert(logins, user_id, value),
          ...room.writes,
        ],
        [userLogin.with(told, { user_id }), ...room.events, ...alarms],
      );
      for (const revocation of room.learned) revocations.learn(revocation);
    }, TRIES);
    metrics.count('perfect21_session_operations_total', { operation: 'create', result: 'success' });
    return tokens;
  },
});
