/** What accounts are found by, and that it follows them. */
import { expect, test } from 'vitest';
import { schema } from '../../../functions/index.ts';
import { fillTerms } from '../../../functions/users/fill-terms.ts';
import { type UserTerm, userFills, users, userTerms } from '../../../functions/users/records.ts';
import { USER_STATUSES } from '../../../functions/users/status.ts';
import { prefixOf, TERM_KINDS, termId, termsOf } from '../../../functions/users/terms.ts';
import { updateMe } from '../../../functions/users/update-me.ts';
import { updateUserStatus } from '../../../functions/users/update-user-status.ts';
import { remove, type Stored } from '../../../shared/ports/store.ts';
import { localDoor } from '../../e2e/doors/local.ts';
import { worldOf } from '../../e2e/matrix.ts';
import { expectOk, registered, userWithSession, verified } from '../../e2e/world.ts';
import { testPlatform } from '../../support/platform.ts';

test.each([
  ['  Ångström ', 'angstrom'],
  ['ＡＤＡ\u3000Lovelace', 'ada lovelace'],
  ['Müller, Jö', 'muller jo'],
  ['STRASSE', 'strasse'],
  ['straße', 'strasse'],
  ['Οδυσσεύς', 'οδυσσευσ'],
  ['李', '李'],
  ['+49 (170) 12-34', '+491701234'],
  [' 49170', '+49170'],
  ['Ada@Example.ORG', 'ada@example.org'],
  ['@Bücher.example', '@xn--bcher-kva.example'],
  ['@gma', '@gma'],
  ['   ', ''],
])('%j is looked for as %j', (typed, prefix) => {
  expect(prefixOf(typed)).toBe(prefix);
});

test('whatever happens to accounts, they are found by what they are, for as long, and by nothing else', async () => {
  const platform = await testPlatform({});
  try {
    const world = worldOf(platform, localDoor(platform.host));
    const { store } = platform.host.ports;
    const names = { first_name: 'Ada', last_name: 'Byron', username: 'ada-of-terms', phone_number: '+491701234567' };
    const one = await userWithSession(world, names);
    const two = await verified(world);
    const gone = await verified(world, { first_name: 'Grace' });
    const waiting = await registered(world, { first_name: 'Alan' });
    await registered(world, { first_name: 'Alan', last_name: 'T', username: 'alan-of-terms', email: waiting.email });
    const change = { username: null, last_name: null, first_name: 'Augusta' };
    await expectOk(world.call(updateMe, change, { token: one.access_token }));
    const as = { token: world.service_token };
    await expectOk(world.call(updateUserStatus, { user_id: two.user_id, status: 'locked' }, as));
    await expectOk(world.call(updateUserStatus, { user_id: gone.user_id, status: 'deleted' }, as));
    await platform.drain();

    const kept = async (): Promise<Stored<UserTerm>[]> =>
      (
        await Promise.all(USER_STATUSES.map((status) => store.query(userTerms, 'by_status', status, { limit: 1_000 })))
      ).flatMap(({ items }) => items);
    const follows = async () => {
      const accounts = (await store.query(users, 'by_creation', 'all', { limit: 1_000 })).items;
      const wanted = accounts.flatMap(({ id, value, expires_at }) => {
        const terms = termsOf(value);
        return TERM_KINDS.filter((kind) => terms[kind]).map((kind) => ({
          id: termId(id, kind),
          value: { user_id: id, term: terms[kind], status: value.status },
          expires_at,
        }));
      });
      const found = (await kept()).map(({ id, value, expires_at }) => ({ id, value, expires_at }));
      const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
      expect(found.sort(byId)).toEqual(wanted.sort(byId));
      return found.length;
    };
    const count = await follows();
    expect(count).toBeGreaterThan(8);

    // a store of an older release has none of them
    await store.transact((await kept()).map((each) => remove(userTerms, each)));
    await store.transact([remove(userFills, (await store.get(userFills, 'terms'))!)]);
    await fillTerms(store);
    expect(await follows()).toBe(count);
    expect(schema.fill).toBe(fillTerms);
  } finally {
    await platform.close();
  }
}, 60_000);
