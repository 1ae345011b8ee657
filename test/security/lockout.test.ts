/** Who guesses passwords is held up; whose account it is goes on. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mailsFrom } from '../e2e/matrix.ts';
import { newEmail, PASSWORD, tokenIn } from '../e2e/world.ts';
import { type TestPlatform, testPlatform } from '../support/platform.ts';

const OWNER = '198.51.100.7';
const STRANGER = '203.0.113.9';
const COOKIE = '__Host-perfect21-device';

let platform: TestPlatform;
beforeAll(async () => {
  platform = await testPlatform({ PERFECT21_TRUSTED_PROXIES: '127.0.0.1' });
});
afterAll(() => platform?.close());

type From = { ip?: string; device?: string; headers?: Record<string, string> };

const post = (path: string, body: object, { ip = OWNER, device, headers = {} }: From = {}): Promise<Response> =>
  fetch(`${platform.http.url}/api/v1${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-forwarded-for': ip,
      ...(device && { cookie: `theme=dark; ${COOKIE}=${device}; lang=en` }),
      ...headers,
    },
    body: JSON.stringify(body),
  });

const login = (identifier: string, password: string, from?: From) =>
  post('/auth/login', { identifier, password }, from);
const guess = async (email: string, times: number, from: From): Promise<void> => {
  for (let n = 0; n < times; n++) expect((await login(email, `wrong guess number ${n}`, from)).status).toBe(401);
};
const deviceOf = (response: Response): string =>
  new RegExp(`^${COOKIE}=([^;]+);`).exec(response.headers.get('set-cookie') ?? '')?.[1] ?? '';

const mails = async (email: string) => {
  await platform.drain();
  return mailsFrom(platform.mailbox!.httpPort, email);
};

/** An owner who has logged in once, and the device on which that was. */
const owner = async (): Promise<{ email: string; device: string; access_token: string }> => {
  const email = newEmail();
  await post('/auth/register', { email, password: PASSWORD });
  await post('/auth/verify-email', { token: tokenIn((await mails(email))[0]) });
  const first = await login(email, PASSWORD);
  const { access_token } = (await first.json()) as { access_token: string };
  return { email, device: deviceOf(first), access_token };
};

describe('a stranger who guesses', () => {
  test('shuts out his own network only', async () => {
    const { email } = await owner();
    await guess(email, 12, { ip: STRANGER });
    expect((await login(email, PASSWORD, { ip: STRANGER })).status).toBe(401);
    expect((await login(email, PASSWORD, { ip: OWNER })).status).toBe(200);
    expect((await login(email, PASSWORD, { ip: '2001:db8:1:2::1' })).status).toBe(200);
    await guess(email, 5, { ip: '2001:db8:1:2::1' });
    await guess(email, 5, { ip: '2001:db8:1:2:ffff::9' });
    expect((await login(email, PASSWORD, { ip: '2001:db8:1:2:a::' })).status).toBe(401);
  });

  test('does not shut out a device that logged in before, not even beside him, nor in days of guesses', async () => {
    const { email, device } = await owner();
    for (let network = 0; network < 12; network++) await guess(email, 11, { ip: `203.0.113.${100 + network}` });
    await guess(email, 11, { ip: OWNER });
    expect((await login(email, PASSWORD)).status).toBe(401);
    expect((await login(email, PASSWORD, { ip: '192.0.2.200' })).status).toBe(401);
    const again = await login(email, PASSWORD, { device });
    expect(again.status).toBe(200);
    expect(deviceOf(again)).not.toBe('');
    await guess(email, 11, { ip: OWNER });
    expect((await login(email, PASSWORD, { headers: { 'x-device-token': device } })).status).toBe(200);
    await guess(email, 11, { ip: OWNER });
    const said = { identifier: email, password: PASSWORD, device_info: { device_token: device } };
    expect((await post('/auth/login', said)).status).toBe(200);
  });

  test('is told to the owner once, when his last try of a window failed', async () => {
    const { email } = await owner();
    const told = async () => (await mails(email)).filter(({ subject }) => /are paused/.test(subject)).length;
    await guess(email, 9, { ip: STRANGER });
    expect(await told()).toBe(0);
    await guess(email, 1, { ip: STRANGER });
    expect(await told()).toBe(1);
    await guess(email, 3, { ip: STRANGER });
    await guess(email, 11, { ip: '203.0.113.10' });
    platform.advance(900_000);
    await guess(email, 11, { ip: STRANGER });
    expect(await told()).toBe(1);
  });

  test('does not keep the owner from changing the password', async () => {
    const { email, access_token } = await owner();
    await guess(email, 11, { ip: OWNER });
    const change = { current_password: PASSWORD, new_password: 'green kettles whistle slowly' };
    const answer = await post('/auth/password/change', change, {
      headers: { authorization: `Bearer ${access_token}` },
    });
    expect(answer.status).toBe(204);
  });

  test('does not keep out who set a new password from a mail', async () => {
    const { email } = await owner();
    await guess(email, 11, { ip: OWNER });
    await post('/auth/password/forgot', { email });
    const token = tokenIn((await mails(email)).find(({ text }) => text.includes('reset-password')));
    const reset = await post('/auth/password/reset', { token, new_password: PASSWORD });
    expect(reset.status).toBe(204);
    await guess(email, 11, { ip: OWNER });
    expect((await login(email, PASSWORD, { device: deviceOf(reset) })).status).toBe(200);
  });
});

describe('a device token', () => {
  test('is a cookie that scripts and other hosts do not see, and a header; nothing of it is in the body', async () => {
    const { email } = await owner();
    const answer = await login(email, PASSWORD);
    const cookie = answer.headers.get('set-cookie')!;
    expect(cookie.split('; ').slice(1)).toEqual(['Path=/', 'Max-Age=15552000', 'HttpOnly', 'Secure', 'SameSite=Lax']);
    expect(answer.headers.get('x-device-token')).toBe(deviceOf(answer));
    const body = (await answer.json()) as object;
    expect(Object.keys(body).sort()).toEqual(
      ['access_token', 'expires_in', 'refresh_token', 'session_id', 'token_type', 'user_id'].sort(),
    );
    const wrong = await login(email, 'not the right sentence');
    expect([wrong.headers.get('set-cookie'), wrong.headers.get('x-device-token')]).toEqual([null, null]);
  });

  test('has bounds of its own, and stands for its user only, and only as it was issued', async () => {
    const [one, two] = [await owner(), await owner()];
    await guess(one.email, 11, { ip: OWNER });
    const [user, device, issued, tag] = one.device.split('.');
    const forged = [
      two.device,
      `${user}.${device}.${Number(issued) + 1}.${tag}`,
      `${user}.AAAAAAAAAAAAAAAAAAAAAA.${issued}.${tag}`,
      'p21d_',
      'x'.repeat(5000),
    ];
    for (const each of forged) {
      expect((await login(one.email, PASSWORD, { device: each })).status).toBe(401);
    }
    await guess(one.email, 10, { device: one.device });
    expect((await login(one.email, PASSWORD, { device: one.device })).status).toBe(401);
    platform.advance(900_000);
    expect((await login(one.email, PASSWORD, { device: one.device })).status).toBe(200);
  });
});
