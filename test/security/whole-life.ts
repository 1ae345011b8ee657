/** A user about whom every service keeps something, and where what was kept can be found. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'vitest';
import { confirmTotp } from '../../functions/auth/confirm-totp.ts';
import { forgotPassword } from '../../functions/auth/forgot-password.ts';
import { login } from '../../functions/auth/login.ts';
import { startTotp } from '../../functions/auth/start-totp.ts';
import { schema } from '../../functions/index.ts';
import { addDevice } from '../../functions/notifications/add-device.ts';
import { setPreferences } from '../../functions/notifications/set-preferences.ts';
import { assignRole } from '../../functions/permissions/assign-role.ts';
import { checkPermission } from '../../functions/permissions/check-permission.ts';
import { requestEmailChange } from '../../functions/users/request-email-change.ts';
import { updateMe } from '../../functions/users/update-me.ts';
import { tableOf } from '../../shared/store/sql.ts';
import { authenticatorOf } from '../e2e/authenticator.ts';
import { moved } from '../e2e/cases/addresses.ts';
import { expectOk, loggedIn, newEmail, newNumber, PASSWORD, provePhone, type World } from '../e2e/world.ts';
import { newBrowser } from '../engines/push-service.ts';

/** Does all that leaves something of a user behind. `words` are about the person, `secrets` nobody is shown. */
export const wholeLife = async (world: World) => {
  const names = { username: 'zebedee-unique', first_name: 'Zebedeea', last_name: 'Quatermassen', locale: 'zh-TW' };
  const { email: before, next: email, user_id } = await moved(world);
  const user_agent = 'Unmistakable/7.3';
  const { access_token: token, refresh_token } = await loggedIn(world, email, { user_agent });
  await expectOk(world.call(updateMe, names, { token }));
  const [phone, next, wanted] = [newNumber(), newNumber(), newEmail()];
  await provePhone(world, phone, token);
  await expectOk(world.call(updateMe, { phone_number: next, password: PASSWORD }, { token }));
  await expectOk(world.call(requestEmailChange, { email: wanted, password: PASSWORD }, { token }));
  await world.call(login, { identifier: email, password: PASSWORD }, { user_agent });
  for (let n = 0; n < 11; n++)
    await world.call(login, { identifier: email, password: `${PASSWORD}${n}` }, { user_agent });
  await world.call(forgotPassword, { email }, { user_agent });
  await expectOk(world.call(setPreferences, { product: { email: true } }, { token }));
  const { secret } = await expectOk(world.call(startTotp, {}, { token }));
  const code = authenticatorOf(world, secret).code();
  const { recovery_codes } = await expectOk(world.call(confirmTotp, { code }, { token }));
  const asked = { user_id, resource: 'docs', action: 'read', context: { browser: user_agent } };
  await expectOk(world.call(checkPermission, asked, { token: world.service_token }));
  const { public_key, auth } = newBrowser();
  const endpoint = `https://push.example.org/${user_id}`;
  await expectOk(world.call(addDevice, { endpoint, keys: { p256dh: public_key, auth } }, { token }));
  const role = { user_id, role: 'user' };
  await expectOk(world.call(assignRole, role, { token: world.service_token }));
  await world.mails(email);
  const words = [email, before, wanted, ...Object.values(names), next, user_agent];
  return {
    user_id,
    email,
    token,
    words,
    former: [phone],
    secrets: [public_key, auth, endpoint, refresh_token, PASSWORD, secret, ...recovery_codes],
  };
};

/** What the store of a platform on SQLite holds. */
export const keptIn = (dataDir: string) => {
  const db = new DatabaseSync(join(dataDir, 'perfect21.db'), { readOnly: true });
  const rowsOf = (table: string): string[] =>
    db
      .prepare(`SELECT * FROM ${table}`)
      .all()
      .map((row) => JSON.stringify(row));
  return {
    close: () => db.close(),
    rowsOf,
    /** `<collection>: <word>` for each word that a collection holds. */
    holding: (words: readonly string[]): string[] =>
      schema.collections.flatMap((collection) => {
        const rows = rowsOf(tableOf(collection));
        return words
          .filter((word) => rows.some((row) => row.includes(word)))
          .map((word) => `${collection.name}: ${word}`);
      }),
  };
};

/** A door of a platform on SQLite in the test's hands. */
export const expectEach = (names: readonly string[], lines: readonly string[]): void => {
  for (const name of names) expect([name, lines.some((line) => line.startsWith(`${name}:`))]).toEqual([name, true]);
};
