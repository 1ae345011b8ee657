import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { Exported, rowsOf, single, together } from '../../shared/kit/exported.ts';
import { operation } from '../../shared/kit/operation.ts';
import { exportUser as exportAuth } from '../auth/export-user.ts';
import { exportUser as exportNotifications } from '../notifications/export-user.ts';
import { exportUser as exportPermissions } from '../permissions/export-user.ts';
import { exportUser as exportSessions } from '../sessions/export-user.ts';
import { PURPOSES, tokenId } from './one-time-token.ts';
import { ownProfile } from './profile.ts';
import { credentials, loginHistory, oneTimeTokens, phoneProofs, users } from './records.ts';

/**
 * Gives the caller all that every service keeps about the account (GDPR, articles 15 and 20), without secrets: of a password
 * when it was set, of links and codes that were sent where to and until when they are good.
 */
export const exportMe = operation({
  name: 'users.export-me',
  summary: 'Gives the caller all data that is kept of the account',
  http: { method: 'GET', path: '/api/v1/users/me/export' },
  access: 'user',
  bounds: { address: 30 },
  input: z.strictObject({}),
  output: Exported.extend({ user_id: z.string(), exported_at: z.int().meta({ description: 'Unix seconds' }) }),
  errors: ['not_found'],
  reads: [users, credentials, oneTimeTokens, phoneProofs, loginHistory],
  queries: ['login_history.by_user'],
  needs: ['clock', 'settings'],
  calls: { exportAuth, exportSessions, exportPermissions, exportNotifications },
  run: async ({ store, clock, settings, ...others }, _, { caller }) => {
    if (caller.kind !== 'user') throw new AppError('not_found');
    const { user_id } = caller;
    const user = await store.get(users, user_id);
    if (!user) throw new AppError('not_found');
    const [secret, proof, mailed] = await Promise.all([
      store.get(credentials, user_id),
      store.get(phoneProofs, user_id),
      store.getMany(
        oneTimeTokens,
        PURPOSES.map((purpose) => tokenId(purpose, user_id)),
      ),
    ]);
    const { generation: _g, spared_session_id: _s, ...account } = user.value;
    const links = PURPOSES.flatMap((purpose) => {
      const token = mailed.get(tokenId(purpose, user_id));
      return token
        ? [{ purpose, email: token.value.email, expires_at: Math.floor((token.expires_at ?? 0) / 1_000) }]
        : [];
    });
    const own = together(
      single('users', { id: user_id, ...account, profile: ownProfile(settings.profile, account.profile) }),
      single('credentials', secret && { changed_at: Math.floor(secret.value.changed_at / 1_000) }),
      single('phone_proofs', proof && { phone_number: proof.value.phone_number }),
      { data: { one_time_tokens: links }, truncated: [] },
      await rowsOf(
        'login_history',
        (cursor) => store.query(loginHistory, 'by_user', user_id, { cursor, limit: 200, order: 'desc' }),
        ({ id, value: { user_id: _u, ...login } }) => ({ id, ...login }),
      ),
    );
    const all = together(
      own,
      await others.exportAuth({ user_id }),
      await others.exportSessions({ user_id }),
      await others.exportPermissions({ user_id }),
      await others.exportNotifications({ user_id }),
    );
    return { user_id, exported_at: Math.floor(clock.now() / 1_000), ...all };
  },
});
