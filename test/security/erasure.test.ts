/** What is left of a deleted account, in every collection that there is. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { forgotPassword } from '../../functions/auth/forgot-password.ts';
import { login } from '../../functions/auth/login.ts';
import { schema } from '../../functions/index.ts';
import { addDevice } from '../../functions/notifications/add-device.ts';
import { setPreferences } from '../../functions/notifications/set-preferences.ts';
import { checkPermission } from '../../functions/permissions/check-permission.ts';
import { updateMe } from '../../functions/users/update-me.ts';
import { updateUserStatus } from '../../functions/users/update-user-status.ts';
import { tableOf } from '../../shared/store/sql.ts';
import { userWithApp } from '../e2e/authenticator.ts';
import { http1Door } from '../e2e/doors/http.ts';
import { worldOf } from '../e2e/matrix.ts';
import { expectOk, newNumber, PASSWORD, provePhone, type World } from '../e2e/world.ts';
import { newBrowser } from '../engines/push-service.ts';
import { testPlatform } from '../support/platform.ts';

/** Where the id of a deleted user stays: that it is deleted, that its tokens are dead, and the ledger without content. */
const KEEPS_ID = ['users', 'revocations', 'deliveries'];

test('nothing of a deleted user is left in any collection but the id, where it has to be', async () => {
  const platform = await testPlatform({ PERFECT21_RATE_LIMITS: '1' });
  try {
    const world: World = worldOf(platform, http1Door(platform.http.url));
    const db = new DatabaseSync(join(platform.dataDir, 'perfect21.db'), { readOnly: true });
    const holding = (words: readonly string[]): string[] =>
      schema.collections.flatMap((collection) => {
        const rows = db
          .prepare(`SELECT * FROM ${tableOf(collection)}`)
          .all()
          .map((row) => JSON.stringify(row));
        return words
          .filter((word) => rows.some((row) => row.includes(word)))
          .map((word) => `${collection.name}: ${word}`);
      });

    const username = 'zebedee-unique';
    const names = { username, first_name: 'Zebedeea', last_name: 'Quatermassen', locale: 'zh-TW' };
    const { access_token: token, user_id, email } = await userWithApp(world, names);
    const [phone, next] = [newNumber(), newNumber()];
    await provePhone(world, phone, token);
    await expectOk(world.call(updateMe, { phone_number: next, password: PASSWORD }, { token }));
    const user_agent = 'Unmistakable/7.3';
    await world.call(login, { identifier: email, password: PASSWORD }, { user_agent });
    for (let n = 0; n < 11; n++)
      await world.call(login, { identifier: email, password: `${PASSWORD}${n}` }, { user_agent });
    await world.call(forgotPassword, { email }, { user_agent });
    await expectOk(world.call(setPreferences, { product: { email: true } }, { token }));
    const { public_key, auth } = newBrowser();
    const endpoint = `https://push.example.org/${user_id}`;
    await expectOk(world.call(addDevice, { endpoint, keys: { p256dh: public_key, auth } }, { token }));
    const asked = { user_id, resource: 'docs', action: 'read', context: { browser: user_agent } };
    await expectOk(world.call(checkPermission, asked, { token: world.service_token }));
    await world.mails(email);

    const words = [
      email,
      username,
      names.first_name,
      names.last_name,
      names.locale,
      phone,
      next,
      user_agent,
      public_key,
    ];
    const before = holding([...words, user_id]);
    for (const name of [
      'factors',
      'users',
      'identifiers',
      'login_history',
      'sessions',
      'devices',
      'inbox',
      'phone_proofs',
      'recent_decisions',
    ])
      expect(before.some((line) => line.startsWith(`${name}:`))).toBe(true);

    await expectOk(world.call(updateUserStatus, { user_id, status: 'deleted' }, { token: world.service_token }));
    await platform.drain();
    expect(holding(words)).toEqual([]);
    const left = holding([user_id]).map((line) => line.split(':')[0]!);
    expect(left.filter((name) => !KEEPS_ID.includes(name))).toEqual([]);
    const messages = db
      .prepare('SELECT * FROM messages')
      .all()
      .map((row) => JSON.stringify(row));
    expect(messages.filter((row) => words.some((word) => row.includes(word)))).toEqual([]);
    db.close();
  } finally {
    await platform.close();
  }
}, 60_000);
