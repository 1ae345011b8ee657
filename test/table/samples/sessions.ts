import { loggedIn, userWithSession, verified } from '../../e2e/world.ts';
import { asEvent, asService, CLIENT, type Samples } from './sample.ts';

export const sessions: Samples = {
  'sessions.export-user': asService(async (world) => ({ user_id: (await verified(world)).user_id })),
  'sessions.create-session': asService(async (world) => {
    const { user_id, email } = await verified(world);
    return { user_id, email, generation: 1, amr: ['pwd'], client: CLIENT };
  }),
  'sessions.rotate-session': asService(async (world) => ({
    refresh_token: (await userWithSession(world)).refresh_token,
    client: CLIENT,
  })),
  'sessions.end-session': asService(async (world) => {
    const { session_id, user_id } = await userWithSession(world);
    return { session_id, user_id, cause: 'ended_by_user' };
  }),
  'sessions.end-user-sessions': asService(async (world) => {
    const { user_id, session_id } = await userWithSession(world);
    return { user_id, generation: 5, except_session_id: session_id, cause: 'password_changed' };
  }),
  'sessions.revoke-token': asService(async (world) => ({ token: (await userWithSession(world)).access_token })),
  'sessions.find-refresh-token': asService(async (world) => ({
    refresh_token: (await userWithSession(world)).refresh_token,
  })),
  'sessions.get-session': asService(async (world) => {
    const { session_id, user_id } = await userWithSession(world);
    return { session_id, user_id };
  }),
  'sessions.list-sessions': async (world) => ({ input: {}, token: (await userWithSession(world)).access_token }),
  'sessions.end-my-session': async (world) => {
    const user = await userWithSession(world);
    const { session_id } = await loggedIn(world, user.email);
    return { input: { id: session_id }, token: user.access_token };
  },
  'sessions.end-other-sessions': async (world) => {
    const user = await userWithSession(world);
    await loggedIn(world, user.email);
    return { input: {}, token: user.access_token };
  },
  'sessions.list-user-sessions': asService(async (world) => ({ user_id: (await userWithSession(world)).user_id })),
  'sessions.end-sessions-of-user': asService(async (world) => ({ user_id: (await userWithSession(world)).user_id })),
  'sessions.note-client-change': asService(async (world) => {
    const { user_id, session_id } = await userWithSession(world);
    return { user_id, session_id, changes: ['ip_changed', 'device_changed'] };
  }),
  'sessions.list-revocations': asService(async () => ({})),
  'sessions.watch-revocations': asService(async () => ({})),
  'sessions.on-account-changed': asEvent('user.password_changed', async (world) => {
    const { user_id, session_id } = await userWithSession(world);
    return { user_id, generation: 5, except_session_id: session_id };
  }),
};
