import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { insert } from '../../shared/ports/store.ts';
import { userLogin } from '../auth/events.ts';
import { issueTokens } from '../auth/issue-tokens.ts';
import { Amr, Tokens } from '../auth/model.ts';
import { Client, expiryOf, markedOf } from './model.ts';
import { clientChanges, type SessionRecord, sessions } from './records.ts';
import { hashOf, mint } from './refresh-token.ts';
import { riskKey, riskOf } from './risk.ts';

/** Begins a session for a user who has just proven who it is; the event of the login is committed with it. */
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
  }),
  output: Tokens,
  emits: [userLogin],
  reads: [clientChanges],
  writes: [sessions],
  needs: ['clock', 'ids', 'metrics', 'secrets', 'settings'],
  calls: { issueTokens },
  run: async (
    { store, clock, ids, metrics, secrets, settings, issueTokens },
    { user_id, email, generation, amr, client },
  ) => {
    const now = Math.floor(clock.now() / 1000);
    const session_id = ids.uuid();
    const refresh_token = mint(secrets, ids, session_id, 1);
    const { ip_address, user_agent, device_info = {} } = client;
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
      amr,
    };
    // signed before it is committed: a session that nobody got the tokens of would stay behind
    const tokens = await issueTokens({
      user_id,
      session_id,
      generation,
      refresh_token,
      client: markedOf(client),
      auth_time: now,
      amr,
    });
    const risk_score = riskOf((await store.get(clientChanges, riskKey(secrets, user_id)))?.value.count);
    const login = { user_id, email, login_successful: true, ip_address, user_agent, mfa_used: amr.includes('mfa') };
    await store.transact(
      [insert(sessions, session_id, session, { expires_at: expiryOf(session, settings) })],
      [userLogin.with({ ...login, ...(risk_score && { risk_score }) }, { user_id })],
    );
    metrics.count('perfect21_session_operations_total', { operation: 'create', result: 'success' });
    return tokens;
  },
});
