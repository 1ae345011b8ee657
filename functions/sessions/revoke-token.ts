import * as z from 'zod';
import { revocations as revocationRecords, toRevocationWrite } from '../../shared/keys/revocation-records.ts';
import { operation } from '../../shared/kit/operation.ts';
import type { Revocation } from '../../shared/ports/revocations.ts';
import { tokenRevoked } from '../auth/events.ts';
import { endSession } from './end-session.ts';
import { sessions } from './records.ts';
import { isHashOf, looksLikeRefreshToken, read } from './refresh-token.ts';

/**
 * Revokes a token (RFC 7009): an access token alone, or a refresh token with its whole session. What is no token of
 * ours needs no revoking.
 */
export const revokeToken = operation({
  name: 'sessions.revoke-token',
  summary: 'Revokes an access or refresh token',
  access: 'service',
  input: z.strictObject({ token: z.string(), reason: z.string().optional() }),
  output: z.object({}),
  errors: ['conflict'],
  emits: [tokenRevoked],
  reads: [sessions],
  writes: [revocationRecords],
  needs: ['clock', 'ids', 'secrets', 'revocations', 'verifier'],
  calls: { endSession },
  run: async ({ store, clock, ids, secrets, revocations, verifier, endSession }, { token, reason }) => {
    if (looksLikeRefreshToken(token)) {
      const presented = read(secrets, token);
      const session = presented && (await store.get(sessions, presented.session_id));
      const { parent, refresh_hash } = session?.value ?? {};
      const genuine = refresh_hash && (isHashOf(refresh_hash, token) || (parent && isHashOf(parent.hash, token)));
      if (session && genuine) {
        await endSession({ session_id: session.id, user_id: session.value.user_id, cause: 'refresh_token_revoked' });
      }
      return {};
    }
    const verdict = await verifier.verify(token);
    if (!verdict.valid) return {};
    const { jti, sid, sub } = verdict.claims;
    const revocation: Revocation = { kind: 'jti', value: jti, error: 'revoked', created_at: clock.now() };
    await store.transact(
      [toRevocationWrite(revocation, ids.uuid())],
      [tokenRevoked.with({ user_id: sub, session_id: sid, jti, reason }, { user_id: sub })],
    );
    revocations.learn(revocation);
    return {};
  },
});
