/** Changing addresses as an attacker would: many at once, again and again, and to learn who has an account. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { confirmEmail } from '../../functions/auth/confirm-email.ts';
import { undoEmail } from '../../functions/auth/undo-email.ts';
import { requestEmailChange } from '../../functions/users/request-email-change.ts';
import { askedFor, moved, wayBack } from '../e2e/cases/addresses.ts';
import { http1Door } from '../e2e/doors/http.ts';
import { worldOf } from '../e2e/matrix.ts';
import {
  expectOk,
  loggedIn,
  newEmail,
  PASSWORD,
  registered,
  userWithSession,
  verified,
  type World,
} from '../e2e/world.ts';
import { type TestPlatform, testPlatform } from '../support/platform.ts';

let platform: TestPlatform;
let world: World;
beforeAll(async () => {
  platform = await testPlatform({ PERFECT21_RATE_LIMITS: '1' });
  world = worldOf(platform, http1Door(platform.http.url));
}, 60_000);
afterAll(() => platform?.close());

test('of several who prove one address at once, one gets it', async () => {
  const email = newEmail();
  const users = await Promise.all(Array.from({ length: 4 }, () => userWithSession(world)));
  const links: string[] = [];
  for (const { access_token } of users) links.push(await askedFor(world, access_token, email));
  const outcomes = await Promise.all(links.map((token) => world.call(confirmEmail, { token })));
  expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1);
  expect(outcomes.filter(({ code }) => code === 'already_exists')).toHaveLength(3);
});

test('of confirming a change and taking one back at once, each happens whole or not at all', async () => {
  for (let n = 0; n < 4; n++) {
    const { email, next, access_token: token } = await moved(world);
    const last = newEmail();
    const [on, back] = [await askedFor(world, token, last), await wayBack(world, email)];
    await Promise.all([world.call(confirmEmail, { token: on }), world.call(undoEmail, { token: back })]);
    // whichever came first, the old address has the account back
    expect((await loggedIn(world, email)).access_token).toBeTruthy();
    for (const each of [next, last]) await verified(world, { email: each });
  }
});

test('a thief can not push out the link that takes his change back: the fourth change in 72 hours is refused', async () => {
  const user = await moved(world);
  for (let n = 0; n < 2; n++) {
    await expectOk(world.call(confirmEmail, { token: await askedFor(world, user.access_token, newEmail()) }));
  }
  const again = { email: newEmail(), password: PASSWORD };
  expect(await world.call(requestEmailChange, again, { token: user.access_token })).toMatchObject({
    code: 'too_many_requests',
  });
  await expectOk(world.call(undoEmail, { token: await wayBack(world, user.email) }));
});

test('mails to strangers are bounded', async () => {
  const { access_token: token } = await userWithSession(world);
  const ask = () => world.call(requestEmailChange, { email: newEmail(), password: PASSWORD }, { token });
  const answers = [];
  for (let n = 0; n < 6; n++) answers.push(await ask());
  expect(answers.map(({ code }) => code)).toEqual([...Array(5).fill(undefined), 'too_many_requests']);
});

test('what is read and written does not tell whether somebody has the address', async () => {
  const db = new DatabaseSync(join(platform.dataDir, 'perfect21.db'), { readOnly: true });
  const sizes = () =>
    ['r_one_time_tokens', 'messages', 'r_request_counts'].map((table) =>
      Number(db.prepare(`SELECT count(*) AS n FROM ${table} WHERE true`).get()!.n),
    );
  const work: number[][] = [];
  for (const email of [
    newEmail(),
    (await verified(world)).email,
    (await registered(world)).email,
    (await moved(world)).email,
  ]) {
    const { access_token: token } = await userWithSession(world);
    await platform.drain();
    const before = sizes();
    expect(await expectOk(world.call(requestEmailChange, { email, password: PASSWORD }, { token }))).toEqual({
      status: 'accepted',
    });
    work.push(sizes().map((count, n) => count - before[n]!));
    expect((await world.mails(email))[0]).toBeDefined();
  }
  expect(new Set(work.map((each) => JSON.stringify([each[0], each[2]]))).size).toBe(1);
  db.close();
});
