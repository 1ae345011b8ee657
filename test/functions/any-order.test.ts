/** Buses keep an order within one consuming process at best: what the handlers make of a log must not depend on it. */
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { endUserSessions } from '../../functions/sessions/end-user-sessions.ts';
import { type SessionRecord, sessions } from '../../functions/sessions/records.ts';
import { insert } from '../../shared/ports/store.ts';
import { TestClock, temporaryFolder } from '../messaging/rig.ts';
import { deliver, type Outcome } from './deliver.ts';
import { envelopeOf, type History, openPlatform, record } from './history.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let history: History;
let inOrder: Outcome;
let copies = 0;
const copy = (): string => join(folder.path, `${++copies}.db`);

beforeAll(async () => {
  folder = await temporaryFolder();
  history = await record(join(folder.path, 'recorded.db'));
  inOrder = await deliver(history, copy(), []);
});
afterAll(() => folder?.remove());

describe('the events of two lives', () => {
  test('all find their handlers, and an account that was deleted is as empty as it was then', () => {
    const types = history.log.map((row) => envelopeOf(row).message_type);
    const wanted = ['registered', 'login', 'logout', 'password_changed', 'status_changed', 'deleted'];
    expect(types).toEqual(expect.arrayContaining([...wanted.map((type) => `user.${type}`), 'security.alert']));
    expect(inOrder.parked).toEqual([]);
    const account = inOrder.records.find((line) => line.startsWith('users') && line.includes('"deleted"'));
    expect(account).toBeDefined();
    expect(account).not.toMatch(/last_login_at/);
  });

  test('leave the same records and send the same mails in whatever order, some twice, some at once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { minLength: 300, maxLength: 300 }), async (draws) => {
        expect(await deliver(history, copy(), draws)).toEqual(inOrder);
      }),
      { numRuns: 100, endOnFailure: true },
    );
  }, 120_000);
});

test('a session that one change of an account spares and the next one ends is ended, also by both at once', async () => {
  const { run, store, close } = await openPlatform(copy(), new TestClock());
  for (let turns = 0; turns < 40; turns += 1) {
    const user_id = `u${turns}`;
    const except_session_id = `s${turns}`;
    const session = { user_id, generation: 0 } as SessionRecord;
    await store.transact([insert(sessions, except_session_id, session)]);
    const spare = run(endUserSessions, { user_id, generation: 1, except_session_id, cause: 'password_changed' });
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    await Promise.all([spare, run(endUserSessions, { user_id, generation: 2, cause: 'status_changed' })]);
    expect([turns, await store.get(sessions, except_session_id)]).toEqual([turns, undefined]);
  }
  await close();
});
