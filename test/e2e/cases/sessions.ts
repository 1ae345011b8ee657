import { expect } from 'vitest';
import { validateToken } from '../../../functions/auth/validate-token.ts';
import { endMySession } from '../../../functions/sessions/end-my-session.ts';
import { endOtherSessions } from '../../../functions/sessions/end-other-sessions.ts';
import { endSessionsOfUser } from '../../../functions/sessions/end-sessions-of-user.ts';
import { listRevocations } from '../../../functions/sessions/list-revocations.ts';
import { listSessions } from '../../../functions/sessions/list-sessions.ts';
import { listUserSessions } from '../../../functions/sessions/list-user-sessions.ts';
import { type Case, expectOk, loggedIn, userWithSession, verified, type World } from '../world.ts';

const isValid = async (world: World, token: string): Promise<boolean> =>
  (await expectOk(world.call(validateToken, { token }))).valid;

export const sessions: Case[] = [
  {
    name: 'a user sees own sessions with device and last use, newest first',
    run: async (world) => {
      const { email } = await verified(world);
      const phone = await loggedIn(world, email, { user_agent: 'phone/1' });
      const laptop = await loggedIn(world, email, { user_agent: 'laptop/2' });
      const { sessions: listed } = await expectOk(world.call(listSessions, {}, { token: laptop.access_token }));
      expect(listed.map(({ id, current, user_agent }: any) => [id, current, user_agent])).toEqual([
        [laptop.session_id, true, 'laptop/2'],
        [phone.session_id, false, 'phone/1'],
      ]);
      for (const session of listed) {
        expect(session.last_used_at).toBeGreaterThanOrEqual(session.created_at);
        expect(session.expires_at).toBeGreaterThan(session.last_used_at);
        expect(JSON.stringify(session)).not.toMatch(/hash|refresh|parent/);
      }
    },
  },
  {
    name: 'pages of sessions follow a cursor that belongs to their owner',
    run: async (world) => {
      const { email } = await verified(world);
      for (let n = 0; n < 3; n++) await loggedIn(world, email);
      const { access_token } = await loggedIn(world, email);
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await expectOk(
          world.call(listSessions, { limit: '2', ...(cursor && { cursor }) }, { token: access_token }),
        );
        seen.push(...page.sessions.map(({ id }: any) => id));
        cursor = page.next_cursor;
        if (cursor && seen.length === 2) {
          const other = await userWithSession(world);
          expect((await world.call(listSessions, { cursor }, { token: other.access_token })).code).toBe(
            'invalid_request',
          );
          expect((await world.call(listSessions, { cursor: `${cursor}x` }, { token: access_token })).code).toBe(
            'invalid_request',
          );
        }
      } while (cursor);
      expect(new Set(seen).size).toBe(4);
    },
  },
  {
    name: 'a verifier that nobody can tell lists what ended, page by page and by its time',
    run: async (world) => {
      const { email } = await verified(world);
      const token = world.service_token;
      const ended: string[] = [];
      for (let n = 0; n < 3; n += 1) {
        const { session_id, access_token } = await loggedIn(world, email);
        ended.push(session_id);
        await expectOk(world.call(endMySession, { id: session_id }, { token: access_token }));
      }
      const { now } = await expectOk(world.call(listRevocations, { limit: '1' }, { token }));
      const from = String(now - 10_000).padStart(15, '0');
      const found: string[] = [];
      let cursor: string | undefined;
      do {
        const asked = { from, limit: '2', ...(cursor && { cursor }) };
        const page = await expectOk(world.call(listRevocations, asked, { token }));
        expect(page.revocations.length).toBeLessThanOrEqual(2);
        found.push(...page.revocations.filter(({ kind }: any) => kind === 'sid').map(({ value }: any) => value));
        cursor = page.next_cursor;
      } while (cursor);
      expect(found).toEqual(expect.arrayContaining(ended));
      const later = await expectOk(world.call(listRevocations, { from: '9'.repeat(15) }, { token }));
      expect(later.revocations).toEqual([]);
      const { access_token } = await loggedIn(world, email);
      expect((await world.call(listRevocations, {}, { token: access_token })).code).toBe('forbidden');
    },
  },
  {
    name: 'ending one session kills its tokens and leaves the others',
    run: async (world) => {
      const { email } = await verified(world);
      const [lost, mine] = [await loggedIn(world, email), await loggedIn(world, email)];
      await expectOk(world.call(endMySession, { id: lost.session_id }, { token: mine.access_token }));
      expect([await isValid(world, lost.access_token), await isValid(world, mine.access_token)]).toEqual([false, true]);
      const again = await world.call(endMySession, { id: lost.session_id }, { token: mine.access_token });
      expect(again.code).toBe('not_found');
    },
  },
  {
    name: "somebody else's session is as unknown as none",
    run: async (world) => {
      const [owner, stranger] = [await userWithSession(world), await userWithSession(world)];
      const tried = await world.call(endMySession, { id: owner.session_id }, { token: stranger.access_token });
      const none = await world.call(endMySession, { id: 'none' }, { token: stranger.access_token });
      expect([tried.code, none.code]).toEqual(['not_found', 'not_found']);
      expect(await isValid(world, owner.access_token)).toBe(true);
    },
  },
  {
    name: "an administrator lists and ends a user's sessions, who may log in again",
    run: async (world) => {
      const user = await userWithSession(world);
      const token = world.service_token;
      const { sessions: listed } = await expectOk(world.call(listUserSessions, { user_id: user.user_id }, { token }));
      expect(listed.map(({ id }: any) => id)).toEqual([user.session_id]);
      const own = { token: user.access_token };
      expect((await world.call(listUserSessions, { user_id: user.user_id }, own)).code).toBe('forbidden');
      expect((await world.call(endSessionsOfUser, { user_id: user.user_id }, own)).code).toBe('forbidden');
      await expectOk(world.call(endSessionsOfUser, { user_id: user.user_id }, { token }));
      expect(await isValid(world, user.access_token)).toBe(false);
      expect(await isValid(world, (await loggedIn(world, user.email)).access_token)).toBe(true);
    },
  },
  {
    name: 'ending all others leaves the one that asked',
    run: async (world) => {
      const { email } = await verified(world);
      const others = [await loggedIn(world, email), await loggedIn(world, email)];
      const mine = await loggedIn(world, email);
      await expectOk(world.call(endOtherSessions, {}, { token: mine.access_token }));
      for (const { access_token } of others) expect(await isValid(world, access_token)).toBe(false);
      const { sessions: left } = await expectOk(world.call(listSessions, {}, { token: mine.access_token }));
      expect(left.map(({ id }: any) => id)).toEqual([mine.session_id]);
    },
  },
];
