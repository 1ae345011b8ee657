/** What follows a request for a new password, with the clock in the test's hands. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { forgotPassword } from '../../functions/auth/forgot-password.ts';
import { handledRequests, oneTimeTokens, requestCounts } from '../../functions/users/records.ts';
import { adapter } from '../../shared/kit/adapter.ts';
import { OUTBOX } from '../../shared/kit/event.ts';
import { tableOf } from '../../shared/store/sql.ts';
import { http1Door } from '../e2e/doors/http.ts';
import { worldOf } from '../e2e/matrix.ts';
import { expectOk, newEmail, registered, verified, type World } from '../e2e/world.ts';
import { type TestPlatform, testPlatform } from '../support/platform.ts';

let now = Date.now();
const clock = adapter({ port: 'clock', open: () => ({ port: { now: () => now } }) });
let platform: TestPlatform;
let world: World;
let db: DatabaseSync;
beforeAll(async () => {
  platform = await testPlatform({ PERFECT21_RESET_DELAY: '5' }, [clock]);
  db = new DatabaseSync(join(platform.dataDir, 'perfect21.db'), { readOnly: true });
  world = worldOf(platform, http1Door(platform.http.url));
}, 60_000);
afterAll(async () => {
  db?.close();
  await platform?.close();
});

const ask = (email: string) => expectOk(world.call(forgotPassword, { email }));
/** When what waits is worked on, ms from now. */
const waits = (): number[] =>
  db
    .prepare('SELECT available_at FROM messages WHERE queue = ?')
    .all(OUTBOX)
    .map(({ available_at }) => Number(available_at) - now);
const rows = (): number[] =>
  [handledRequests, requestCounts, oneTimeTokens].map((collection) =>
    Number(db.prepare(`SELECT count(*) AS n FROM ${tableOf(collection)}`).get()!.n),
  );

test('comes at a random time, one to five seconds after the answer, whether there is such an account or not', async () => {
  const { email } = await verified(world);
  const stranger = newEmail();
  for (let n = 0; n < 10; n++) for (const each of [email, stranger]) await ask(each);
  expect((await world.mails(email)).length).toBe(1);
  const delays = waits();
  expect(delays).toHaveLength(20);
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(1_000);
  expect(Math.max(...delays)).toBeLessThanOrEqual(5_000);
  expect(new Set(delays).size).toBeGreaterThan(10);
  now += 5_000;
  expect((await world.mails(email)).length).toBe(11);
  expect(await world.mails(stranger)).toEqual([]);
  expect(waits()).toEqual([]);
});

test('is the same work for an address that nobody has, that is known, and that waits to be verified', async () => {
  const made = [newEmail(), (await verified(world)).email, (await registered(world)).email];
  const work: number[][] = [];
  for (const email of made) {
    const before = rows();
    await ask(email);
    now += 5_000;
    await platform.drain();
    work.push(rows().map((count, n) => count - before[n]!));
  }
  // of tokens that of a waiting account stands in the record of the first one
  expect(work).toEqual([
    [1, 1, 1],
    [1, 1, 1],
    [1, 1, 0],
  ]);
});
