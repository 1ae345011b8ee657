/** What is left of a deleted account, in every collection that there is. */
import { expect, test } from 'vitest';
import { updateUserStatus } from '../../functions/users/update-user-status.ts';
import { http1Door } from '../e2e/doors/http.ts';
import { worldOf } from '../e2e/matrix.ts';
import { expectOk } from '../e2e/world.ts';
import { testPlatform } from '../support/platform.ts';
import { expectEach, keptIn, wholeLife } from './whole-life.ts';

/** Where the id of a deleted user stays: that it is deleted, that its tokens are dead, and the ledger without content. */
const KEEPS_ID = ['users', 'audit_lines', 'revocations', 'deliveries'];

test('nothing of a deleted user is left in any collection but the id, where it has to be', async () => {
  const platform = await testPlatform({ PERFECT21_RATE_LIMITS: '1' });
  const kept = keptIn(platform.dataDir);
  try {
    const world = worldOf(platform, http1Door(platform.http.url));
    const { user_id, former, secrets, ...life } = await wholeLife(world);
    const words = [...life.words, ...former, secrets[0]!];
    const own = ['users', 'identifiers', 'user_terms', 'one_time_tokens', 'phone_proofs', 'login_history'];
    expectEach(
      [...own, 'factors', 'sessions', 'devices', 'inbox', 'role_assignments', 'recent_decisions'],
      kept.holding([...words, user_id]),
    );

    await expectOk(world.call(updateUserStatus, { user_id, status: 'deleted' }, { token: world.service_token }));
    await platform.drain();
    expect(kept.holding(words)).toEqual([]);
    const left = kept.holding([user_id]).map((line) => line.split(':')[0]!);
    expect(left.filter((name) => !KEEPS_ID.includes(name))).toEqual([]);
    expect(kept.rowsOf('messages').filter((row) => words.some((word) => row.includes(word)))).toEqual([]);
  } finally {
    kept.close();
    await platform.close();
  }
}, 60_000);
