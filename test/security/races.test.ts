/** What must hold when many act at once, when an index lags behind, and when a guess is refused unread. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { changePassword } from '../../functions/auth/change-password.ts';
import { login } from '../../functions/auth/login.ts';
import { refresh } from '../../functions/auth/refresh.ts';
import { register } from '../../functions/auth/register.ts';
import { resetPassword } from '../../functions/auth/reset-password.ts';
import { verifyEmail } from '../../functions/auth/verify-email.ts';
import { schema } from '../../functions/index.ts';
import { createUser } from '../../functions/users/create-user.ts';
import { seedDevCredentials } from '../../infra/local/dev-credentials.ts';
import { loadConfig } from '../../shared/config/config.ts';
import type { Context } from '../../shared/kit/context.ts';
import { type Host, invoke } from '../../shared/kit/invoke.ts';
import { continueTrace } from '../../shared/kit/trace.ts';
import { type OpenHost, openHost } from '../../shared/process/host.ts';
import { http1Door } from '../e2e/doors/http.ts';
import { worldOf } from '../e2e/matrix.ts';
import { expectOk, newEmail, PASSWORD, tokenIn, userWithSession, verified, type World } from '../e2e/world.ts';
import { type TestPlatform, testEnvironment, testPlatform } from '../support/platform.ts';

const CONTAINERS = 3;
const anybody = (): Context => ({
  request_id: 'race',
  trace: continueTrace(),
  caller: { kind: 'anonymous' },
  client: { ip: '127.0.0.1', user_agent: 'test' },
  door: 'local',
});

let platform: TestPlatform;
let world: World;
/** Further processes' worth of hosts on the same store. */
let containers: OpenHost[];
beforeAll(async () => {
  platform = await testPlatform();
  world = worldOf(platform, http1Door(platform.http.url));
  const config = loadConfig(testEnvironment(platform.dataDir));
  containers = await Promise.all(Array.from({ length: CONTAINERS }, () => openHost(config, schema)));
});
afterAll(async () => {
  await Promise.all(containers.map((host) => host.close()));
  await platform?.close();
});

const registerEverywhere = (email: string, passwords: readonly string[]) =>
  Promise.all(
    passwords.map((password, n) => {
      const host: Host = containers[n % CONTAINERS]!;
      return invoke(host, register, { email, password }, anybody());
    }),
  );

describe('one address registered by many containers at once', () => {
  test('becomes one account, which one of its mails verifies', async () => {
    const email = newEmail();
    const answers = await registerEverywhere(email, Array<string>(5).fill(PASSWORD));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set(['pending_verification']));
    const mails = await world.mails(email);
    const outcomes = [];
    for (const mail of mails) outcomes.push(await world.call(verifyEmail, { token: tokenIn(mail) }));
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1);
    await expectOk(world.call(login, { identifier: email, password: PASSWORD }));
  });

  test('keeps none of two different passwords: the owner of the address chooses anew', async () => {
    const email = newEmail();
    const [one, two] = ['quiet lanterns hum at dawn', 'seven otters paint the bridge'] as const;
    await registerEverywhere(email, [one, two, one, two]);
    const links = await world.mails(email);
    for (const mail of links) await world.call(verifyEmail, { token: tokenIn(mail) });
    for (const password of [one, two]) {
      expect(await world.call(login, { identifier: email, password })).toMatchObject({ code: 'invalid_credentials' });
    }
    const reset = (await world.mails(email)).find(({ text }) => text.includes('token='));
    await expectOk(world.call(resetPassword, { token: tokenIn(reset), new_password: PASSWORD }));
    await expectOk(world.call(login, { identifier: email, password: PASSWORD }));
  });
});

test('who had the address of the administrator before the first start is no administrator', async () => {
  const [host] = containers;
  const admin = { email: newEmail(), password: 'only the file knows this one' };
  const squatter = { email: admin.email, password: PASSWORD, ip_address: '', user_agent: '', verified: true };
  const trusted: Context = { ...anybody(), caller: { kind: 'service', name: 'platform', permissions: ['*:*:*'] } };
  await host!.call(createUser, squatter, trusted);
  const { service_token } = platform.credentials;
  await seedDevCredentials(host!, { admin, service_token }, ['users', 'permissions']);
  const { access_token } = await expectOk(world.call(login, { identifier: admin.email, password: PASSWORD }));
  const claims = JSON.parse(Buffer.from(access_token.split('.')[1], 'base64url').toString());
  expect(claims).toMatchObject({ roles: ['user'] });
});

test('a session that the index does not show yet ends with the others: it can not be refreshed', async () => {
  const user = await userWithSession(world);
  const { store } = platform.host.ports;
  const { query } = store;
  store.query = async (collection, ...rest) =>
    collection.name === 'sessions' ? { items: [] } : query(collection, ...rest);
  try {
    const change = { current_password: PASSWORD, new_password: 'green kettles whistle slowly' };
    const other = await expectOk(world.call(login, { identifier: user.email, password: PASSWORD }));
    await expectOk(world.call(changePassword, change, { token: other.access_token }));
    await platform.drain();
  } finally {
    store.query = query;
  }
  expect(await world.call(refresh, { refresh_token: user.refresh_token })).toMatchObject({
    code: 'invalid_refresh_token',
  });
});

test('a guess that is refused unread costs the same hash as one that is compared', async () => {
  const { email } = await verified(world);
  const { passwords } = platform.host.ports;
  const { verify } = passwords;
  const hashed: boolean[] = [];
  passwords.verify = (password, phc) => {
    hashed.push(phc !== undefined);
    return verify(password, phc);
  };
  try {
    for (let n = 0; n < 12; n += 1) {
      await world.call(login, { identifier: email, password: `guess number ${n} of many` });
    }
  } finally {
    passwords.verify = verify;
  }
  expect(hashed).toEqual([...Array<boolean>(10).fill(true), false, false]);
});
