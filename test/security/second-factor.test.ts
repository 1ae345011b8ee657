/** Every way to a session asks for the second factor; a code is good once; nothing of a seed is readable. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { confirmTotp } from '../../functions/auth/confirm-totp.ts';
import { forgotPassword } from '../../functions/auth/forgot-password.ts';
import { login } from '../../functions/auth/login.ts';
import { factors } from '../../functions/auth/records.ts';
import { resealSeeds } from '../../functions/auth/reseal.ts';
import { resetPassword } from '../../functions/auth/reset-password.ts';
import { openSeed } from '../../functions/auth/seed.ts';
import { startTotp } from '../../functions/auth/start-totp.ts';
import { hotp, stepOf } from '../../functions/auth/totp.ts';
import { verifyMfa } from '../../functions/auth/verify-mfa.ts';
import { platform as services } from '../../functions/index.ts';
import { createSession } from '../../functions/sessions/create-session.ts';
import { createSecrets } from '../../shared/keys/secrets.ts';
import { createVault } from '../../shared/keys/vault.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { callLocal, type Host } from '../../shared/kit/invoke.ts';
import { authenticatorOf, mfaToken, userWithApp } from '../e2e/authenticator.ts';
import { http1Door } from '../e2e/doors/http.ts';
import { localDoor } from '../e2e/doors/local.ts';
import { worldOf } from '../e2e/matrix.ts';
import { expectOk, PASSWORD, tokenIn, userWithSession, type World } from '../e2e/world.ts';
import { TEST_SECRET, type TestPlatform, testPlatform } from '../support/platform.ts';

let platform: TestPlatform;
let world: World;
beforeAll(async () => {
  platform = await testPlatform();
  world = worldOf(platform, http1Door(platform.http.url));
});
afterAll(() => platform?.close());

/**
 * The operations that begin sessions. Each asks for the factor, by auth.check-login or by the second step itself; a passkey is
 * two factors by itself, as the authenticator asked who it is.
 */
const BEGIN = ['auth.login', 'auth.login-with-passkey', 'auth.verify-mfa'];

test('no other operation begins a session', () => {
  const begin = services
    .flatMap(({ operations }) => operations)
    .filter(({ calls }) => Object.values(calls).includes(createSession as any));
  expect(begin.map(({ name }) => name).sort()).toEqual(BEGIN);
});

test('a code works once of twenty that come at once', async () => {
  const { email, app } = await userWithApp(world);
  const code = app.code();
  const tokens = await Promise.all(Array.from({ length: 8 }, () => mfaToken(world, email)));
  const outcomes = await Promise.all(tokens.map((mfa_token) => world.call(verifyMfa, { mfa_token, code })));
  expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1);
});

test('a recovery code works once of eight that come at once', async () => {
  const { email, recovery_codes } = await userWithApp(world);
  const tokens = await Promise.all(Array.from({ length: 8 }, () => mfaToken(world, email)));
  const outcomes = await Promise.all(
    tokens.map((mfa_token) => world.call(verifyMfa, { mfa_token, code: recovery_codes[0]! })),
  );
  expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1);
});

test('of many guesses at once no more are judged than the bound allows', async () => {
  const { email, app } = await userWithApp(world);
  const tokens: string[] = [];
  for (let n = 0; n < 30; n++) tokens.push(await mfaToken(world, email));
  const outcomes = await Promise.all(tokens.map((mfa_token) => world.call(verifyMfa, { mfa_token, code: '000000' })));
  expect(outcomes.filter(({ code }) => code === 'invalid_mfa_code').length).toBeLessThanOrEqual(10);
  const right = await world.call(verifyMfa, { mfa_token: await mfaToken(world, email), code: app.code() });
  expect(right.code).toBe('too_many_requests');
});

test('a code that began no session, because something was away, is good again', async () => {
  const { email, app, recovery_codes } = await userWithApp(world);
  const { host } = platform;
  let away = true;
  const failing: Host = {
    ports: {
      ...host.ports,
      tokens: {
        sign: (subject) => {
          if (away) throw new AppError('unavailable');
          return host.ports.tokens.sign(subject);
        },
      },
    },
    call: (callee, input, context) => callLocal(failing, callee, input, context),
  };
  const door = localDoor(failing);
  for (const code of [app.code(), recovery_codes[0]!]) {
    away = true;
    const { mfa_token } = await expectOk(door.call(login, { identifier: email, password: PASSWORD }));
    expect((await door.call(verifyMfa, { mfa_token, code })).code).toBe('unavailable');
    away = false;
    expect((await door.call(verifyMfa, { mfa_token, code })).ok).toBe(true);
  }
});

test('a new password makes no known device of an account with a factor, nor does the first step', async () => {
  const { email } = await userWithApp(world);
  const post = (path: string, body: object) =>
    fetch(`${platform.http.url}/api/v1/auth/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const first = await post('login', { identifier: email, password: PASSWORD });
  expect([first.status, first.headers.get('x-device-token')]).toEqual([200, null]);
  await expectOk(world.call(forgotPassword, { email }));
  const token = tokenIn((await world.mails(email)).find(({ text }) => text.includes('reset-password')));
  const reset = await post('password/reset', { token, new_password: 'an unrelated long sentence' });
  expect([reset.status, reset.headers.get('x-device-token')]).toEqual([204, null]);
  expect(resetPassword.calls).not.toHaveProperty('createSession');
});

test('neither seed nor recovery codes can be read in the database', async () => {
  const { access_token: token } = await userWithSession(world);
  const { secret } = await expectOk(world.call(startTotp, {}, { token }));
  const code = authenticatorOf(world, secret).code();
  const { recovery_codes } = await expectOk(world.call(confirmTotp, { code }, { token }));
  await platform.drain();
  const db = new DatabaseSync(join(platform.dataDir, 'perfect21.db'), { readOnly: true });
  const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as { name: string }[];
  const rows = tables.flatMap(({ name }) =>
    db
      .prepare(`SELECT * FROM "${name}"`)
      .all()
      .map((row) => JSON.stringify(row)),
  );
  db.close();
  for (const held of [secret, ...recovery_codes, recovery_codes[0]!.replaceAll('-', '')]) {
    expect(rows.filter((row) => row.toLowerCase().includes(held.toLowerCase()))).toEqual([]);
  }
});

test('a seed that an older master secret sealed is sealed anew, and its codes go on', async () => {
  const { user_id, app } = await userWithApp(world);
  const { store, vault } = platform.host.ports;
  const newer = createVault(createSecrets('v9Qm2xTz7LpK4rWc8YsN1hJd6GbF3eRa', TEST_SECRET));
  expect(await resealSeeds(store, newer)).toBeGreaterThan(0);
  expect(await resealSeeds(store, newer)).toBe(0);
  const factor = await store.get(factors, user_id);
  expect(await vault.open(factor!.value.sealed_seed, `totp ${user_id}`)).toBeUndefined();
  const seed = await openSeed(newer, user_id, factor!.value.sealed_seed);
  expect(app.at(0)).toBe(hotp(seed, stepOf(platform.now())));
});
