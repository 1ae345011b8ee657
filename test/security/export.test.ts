/** What a user gets of what is kept about the account: all of it, from every collection that there is, and no secret. */
import { expect, test } from 'vitest';
import { exportMe } from '../../functions/users/export-me.ts';
import { http1Door } from '../e2e/doors/http.ts';
import { worldOf } from '../e2e/matrix.ts';
import { expectOk, userWithSession } from '../e2e/world.ts';
import { testPlatform } from '../support/platform.ts';
import { keptIn, wholeLife } from './whole-life.ts';

/**
 * Collections that hold something of a user and are not in the export, and why. A collection that is new belongs into the export
 * of its service (`functions/<service>/export-user.ts`), or here.
 */
const NOT_EXPORTED: Readonly<Record<string, string>> = {
  identifiers: 'says whose an address or a user name is: both are in users and one_time_tokens',
  user_terms: 'what an account is found by, made of what is in users',
  revocations: 'which sessions and tokens are dead, for a quarter of an hour',
  deliveries: 'what became of a message: neither address nor content',
};

test('the export holds all that any collection keeps of a user, and no secret', async () => {
  const platform = await testPlatform({ PERFECT21_RATE_LIMITS: '1' });
  const kept = keptIn(platform.dataDir);
  try {
    const world = worldOf(platform, http1Door(platform.http.url));
    const { user_id, token, words, secrets } = await wholeLife(world);
    const stranger = await userWithSession(world);
    const exported = await expectOk(world.call(exportMe, {}, { token }));
    const rows = exported.data as Record<string, unknown[]>;
    expect(exported).toMatchObject({ user_id, truncated: [] });

    const holding = new Set(kept.holding([user_id, ...words]).map((line) => line.split(':')[0]!));
    expect(holding.size).toBeGreaterThan(10);
    const missing = [...holding].filter((name) => !rows[name]?.length && !(name in NOT_EXPORTED));
    expect(missing).toEqual([]);
    expect(Object.keys(NOT_EXPORTED).filter((name) => !holding.has(name))).toEqual([]);

    const text = JSON.stringify(exported);
    expect(words.filter((word) => !text.includes(word))).toEqual([]);
    expect([...secrets, stranger.email, stranger.user_id].filter((word) => text.includes(word))).toEqual([]);
    expect(text).not.toMatch(/\$argon2|_hash|"hash"|sealed|generation":\d+,"spared/);
  } finally {
    kept.close();
    await platform.close();
  }
}, 60_000);
