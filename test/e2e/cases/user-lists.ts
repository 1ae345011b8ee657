import { expect } from 'vitest';
import { getMe } from '../../../functions/users/get-me.ts';
import { listUsers } from '../../../functions/users/list-users.ts';
import { updateMe } from '../../../functions/users/update-me.ts';
import { updateUserStatus } from '../../../functions/users/update-user-status.ts';
import { type Case, expectOk, provePhone, registered, userWithSession, verified, type World } from '../world.ts';

/** Letters that no other case has. */
const unique = (): string => `q${crypto.randomUUID().replace(/[-\d]/g, '')}x`;

const finder = (world: World) => (asked: object) =>
  expectOk(world.call(listUsers, asked, { token: world.service_token }));

const idsOf = ({ users }: { users: { id: string }[] }): string[] => users.map(({ id }) => id);

export const userLists: Case[] = [
  {
    name: 'users are found by the beginning of address, user name, phone and either name, in any case and accent, and by domain',
    run: async (world) => {
      const [word, find] = [unique(), finder(world)];
      const names = { first_name: `Ä${word}`, last_name: `Ø${word} the Great` };
      const email = `${word}@${word}.example.org`;
      const user = await userWithSession(world, { email, username: `u-${word}`, ...names });
      const phone_number = `+4915${String(Date.now()).slice(-9)}`;
      await provePhone(world, phone_number, user.access_token);
      const queries = [
        word.slice(0, 12),
        word.toUpperCase(),
        `@${word}.exa`,
        email,
        `U-${word.slice(0, 6)}`,
        `a${word}`,
        `Ä${word.toUpperCase()}  ø`,
        `Ø${word} the great, ä`,
        phone_number,
        `${phone_number.slice(0, 5)} ${phone_number.slice(5)}`,
      ];
      for (const q of queries) expect([q, idsOf(await find({ q }))]).toEqual([q, [user.user_id]]);
      for (const q of [`${word}y`, word.slice(1), `@x${word}`]) expect([q, idsOf(await find({ q }))]).toEqual([q, []]);

      // it follows the account
      await expectOk(world.call(updateMe, { username: `v-${word}`, first_name: null }, { token: user.access_token }));
      expect(idsOf(await find({ q: `u-${word}` }))).toEqual([]);
      expect(idsOf(await find({ q: `v-${word}` }))).toEqual([user.user_id]);
      expect(idsOf(await find({ q: `a${word}` }))).toEqual([]);
      const token = world.service_token;
      await expectOk(world.call(updateUserStatus, { user_id: user.user_id, status: 'deleted' }, { token }));
      for (const q of queries) expect(idsOf(await find({ q }))).toEqual([]);
    },
  },
  {
    name: 'lists of users go on and back page by page, by status too, and each user stands there once',
    run: async (world) => {
      const [word, find] = [unique(), finder(world)];
      const all: string[] = [];
      // each is found by address, name and surname
      for (const n of [1, 2, 3, 4, 5]) {
        const who = { email: `${word}${n}@example.org`, first_name: word, last_name: `${word}${n}` };
        all.push((await verified(world, who)).user_id);
      }
      const waiting = { q: `${word}6`, status: 'pending_verification' };
      await registered(world, { email: `${word}6@example.org` });
      expect((await find(waiting)).users).toMatchObject([{ email: `${word}6@example.org` }]);
      expect(idsOf(await find({ ...waiting, status: 'active' }))).toEqual([]);
      await expectOk(
        world.call(updateUserStatus, { user_id: all[4], status: 'suspended' }, { token: world.service_token }),
      );
      for (const [asked, wanted] of [
        [{ q: word, status: 'active' }, all.slice(0, 4)],
        [{ q: word, status: 'suspended' }, all.slice(4)],
        [{ status: 'suspended' }, undefined],
        [{}, undefined],
      ] as const) {
        const whole = idsOf(await find({ ...asked, limit: 200 }));
        if (wanted) expect([...whole].sort()).toEqual([...wanted].sort());
        const there: string[][] = [];
        let page = await find({ ...asked, limit: 2 });
        expect(page.previous_cursor).toBeFalsy();
        for (let n = 0; n < 3; n += 1) {
          there.push(idsOf(page));
          if (!page.next_cursor) break;
          page = await find({ ...asked, limit: 2, cursor: page.next_cursor });
        }
        expect(there.flat()).toEqual(whole.slice(0, there.flat().length));
        if (whole.length > 4) continue;
        for (const before of there.slice(0, -1).toReversed()) {
          page = await find({ ...asked, limit: 2, cursor: page.previous_cursor });
          expect(idsOf(page)).toEqual(before);
        }
        expect(page.previous_cursor).toBeFalsy();
      }
    },
  },
  {
    name: 'a cursor of another list, or one that somebody changed, is refused; so is who may not read users',
    run: async (world) => {
      const token = world.service_token;
      await verified(world);
      await verified(world);
      const { next_cursor } = await expectOk(world.call(listUsers, { limit: 1 }, { token }));
      const flipped = next_cursor.slice(0, -1) + (next_cursor.endsWith('A') ? 'E' : 'A');
      for (const asked of [
        { cursor: flipped },
        { cursor: `b${next_cursor.slice(1)}` },
        { cursor: 'x' },
        { cursor: next_cursor, status: 'active' },
        { cursor: next_cursor, q: 'a' },
        { cursor: next_cursor, q: '@' },
      ]) {
        const { code, errors } = await world.call(listUsers, asked, { token });
        expect([code, errors?.[0]?.path]).toEqual(['invalid_request', 'cursor']);
      }
      const stranger = await userWithSession(world);
      await expectOk(world.call(getMe, {}, { token: stranger.access_token }));
      expect((await world.call(listUsers, {}, { token: stranger.access_token })).code).toBe('forbidden');
    },
  },
];
