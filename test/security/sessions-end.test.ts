/** The table of what ends sessions, row by row; and how many sessions one user may have. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { changePassword } from '../../functions/auth/change-password.ts';
import { confirmTotp } from '../../functions/auth/confirm-totp.ts';
import { forgotPassword } from '../../functions/auth/forgot-password.ts';
import { login } from '../../functions/auth/login.ts';
import { logout } from '../../functions/auth/logout.ts';
import { refresh } from '../../functions/auth/refresh.ts';
import { removeTotp } from '../../functions/auth/remove-totp.ts';
import { resetPassword } from '../../functions/auth/reset-password.ts';
import { revoke } from '../../functions/auth/revoke.ts';
import { startTotp } from '../../functions/auth/start-totp.ts';
import { undoEmail } from '../../functions/auth/undo-email.ts';
import { validateToken } from '../../functions/auth/validate-token.ts';
import { CAUSES, type Cause } from '../../functions/sessions/causes.ts';
import { endMySession } from '../../functions/sessions/end-my-session.ts';
import { endOtherSessions } from '../../functions/sessions/end-other-sessions.ts';
import { endSessionsOfUser } from '../../functions/sessions/end-sessions-of-user.ts';
import { listSessions } from '../../functions/sessions/list-sessions.ts';
import { deleteMe } from '../../functions/users/delete-me.ts';
import { reportNotMe } from '../../functions/users/report-not-me.ts';
import { updateUserStatus } from '../../functions/users/update-user-status.ts';
import type { Envelope } from '../../shared/ports/envelope.ts';
import { authenticatorOf } from '../e2e/authenticator.ts';
import { moved, wayBack } from '../e2e/cases/addresses.ts';
import { http1Door } from '../e2e/doors/http.ts';
import { worldOf } from '../e2e/matrix.ts';
import { expectOk, loggedIn, PASSWORD, type Tokens, tokenIn, userWithSession, type World } from '../e2e/world.ts';
import { type TestPlatform, testPlatform } from '../support/platform.ts';

const MOST = 5;
let platform: TestPlatform;
let world: World;
const published: Envelope[] = [];
beforeAll(async () => {
  platform = await testPlatform({ PERFECT21_MAX_SESSIONS: String(MOST) });
  const { store } = platform.host.ports;
  const { transact } = store;
  // every event passes here with its commit
  store.transact = (writes, effects) => {
    for (const { body } of effects?.enqueue ?? []) {
      const { envelope } = body as { envelope?: Envelope };
      if (envelope) published.push(envelope);
    }
    return transact(writes, effects);
  };
  world = worldOf(platform, http1Door(platform.http.url));
});
afterAll(() => platform?.close());

const NEXT = 'quiet tractors hum in violet';
const revocationsOf = (user_id: string) =>
  published.filter(({ message_type, data }) => message_type === 'session.revoked' && data.user_id === user_id);
const verdict = async (token: string): Promise<string> => {
  const { valid, error_message } = await expectOk(world.call(validateToken, { token }));
  return valid ? 'valid' : error_message;
};

interface Scene {
  user_id: string;
  email: string;
  /** The session that acts. */
  own: Tokens;
  other: Tokens;
}

const as = ({ own }: Scene) => ({ token: own.access_token });
const service = () => ({ token: world.service_token });
const appOf = async (scene: Scene) => {
  const { secret } = await expectOk(world.call(startTotp, {}, as(scene)));
  return authenticatorOf(world, secret);
};

/** How each cause comes about. */
const HAPPENS: Record<Cause, (scene: Scene) => Promise<unknown>> = {
  logout: (scene) => expectOk(world.call(logout, {}, as(scene))),
  ended_by_user: (scene) => expectOk(world.call(endMySession, { id: scene.own.session_id }, as(scene))),
  others_ended_by_user: (scene) => expectOk(world.call(endOtherSessions, {}, as(scene))),
  not_me: (scene) => expectOk(world.call(reportNotMe, {}, as(scene))),
  refresh_token_revoked: ({ own }) => expectOk(world.call(revoke, { token: own.refresh_token })),
  refresh_token_reused: async ({ own }) => {
    const { refresh_token } = await expectOk(world.call(refresh, { refresh_token: own.refresh_token }));
    await expectOk(world.call(refresh, { refresh_token }));
    expect((await world.call(refresh, { refresh_token: own.refresh_token })).code).toBe('invalid_refresh_token');
  },
  too_many_sessions: async ({ email }) => {
    for (let n = 0; n < MOST - 1; n++) await loggedIn(world, email);
  },
  password_changed: (scene) =>
    expectOk(world.call(changePassword, { current_password: PASSWORD, new_password: NEXT }, as(scene))),
  password_reset: async ({ email }) => {
    await expectOk(world.call(forgotPassword, { email }));
    const token = tokenIn((await world.mails(email)).find(({ text }) => text.includes('reset-password')));
    await expectOk(world.call(resetPassword, { token, new_password: NEXT }));
  },
  factor_enabled: async (scene) => {
    const app = await appOf(scene);
    await expectOk(world.call(confirmTotp, { code: app.code() }, as(scene)));
  },
  factor_removed: async (scene) => {
    const app = await appOf(scene);
    await expectOk(world.call(confirmTotp, { code: app.code() }, as(scene)));
    const again = { identifier: scene.email, password: PASSWORD, mfa_code: app.code() };
    scene.other = await expectOk(world.call(login, again));
    await expectOk(world.call(removeTotp, { code: app.code() }, as(scene)));
  },
  email_change_undone: async (scene) => {
    const user = await moved(world);
    scene.user_id = user.user_id;
    scene.own = user;
    scene.other = await loggedIn(world, user.next);
    await expectOk(world.call(undoEmail, { token: await wayBack(world, user.email) }));
  },
  status_changed: ({ user_id }) => expectOk(world.call(updateUserStatus, { user_id, status: 'suspended' }, service())),
  account_deleted: (scene) => expectOk(world.call(deleteMe, {}, as(scene))),
  administrator: ({ user_id }) => expectOk(world.call(endSessionsOfUser, { user_id }, service())),
};

describe('sessions that end by', () => {
  test.each(Object.keys(HAPPENS) as Cause[])('%s are those of its row, told with its reason', async (cause) => {
    const user = await userWithSession(world);
    const scene: Scene = { ...user, own: user, other: await loggedIn(world, user.email) };
    await HAPPENS[cause](scene);
    await platform.drain();
    const { ends, reason, error } = CAUSES[cause];
    // of too many the first ends, which is the one that acts here
    const own = ends === 'others' ? 'valid' : error;
    const other = ends === 'one' || ends === 'oldest' ? 'valid' : error;
    const found = [await verdict(scene.own.access_token), await verdict(scene.other.access_token)];
    expect(found).toEqual([own, other]);
    const told = revocationsOf(scene.user_id).map(({ data }) => data);
    expect(told.at(-1)).toMatchObject({ reason });
    const { session_id, except_session_id } = told.at(-1) as Record<string, string | undefined>;
    expect(session_id).toBe(ends === 'one' || ends === 'oldest' ? scene.own.session_id : undefined);
    expect(except_session_id).toBe(ends === 'others' ? scene.own.session_id : undefined);
  });
});

test('of more sessions than one may have the oldest end, also when all begin at once', async () => {
  const { email, user_id, access_token: first } = await userWithSession(world);
  const all = await Promise.all(Array.from({ length: 9 }, () => loggedIn(world, email)));
  const verdicts = await Promise.all(all.map(({ access_token }) => verdict(access_token)));
  expect(verdicts.filter((each) => each === 'valid')).toHaveLength(MOST);
  expect(await verdict(first)).toBe('session_ended');
  const token = all[verdicts.indexOf('valid')]!.access_token;
  const { sessions } = await expectOk(world.call(listSessions, {}, { token }));
  expect(sessions).toHaveLength(MOST);
  const ended = revocationsOf(user_id).filter(({ data }) => data.reason === 'too_many_sessions');
  expect(new Set(ended.map(({ data }) => data.session_id)).size).toBe(9 + 1 - MOST);
});

test('sessions that ended leave their room to others', async () => {
  const { email, access_token, session_id } = await userWithSession(world);
  for (let n = 0; n < 2 * MOST; n++) {
    const { access_token: token } = await loggedIn(world, email);
    await expectOk(world.call(logout, {}, { token }));
  }
  expect(await verdict(access_token)).toBe('valid');
  expect(session_id).toBeDefined();
});
