/** In Chromium: passkeys, whose pages hand on what `navigator.credentials` gives as it is, and pages of other origins. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeJwt } from 'jose';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getFactors } from '../../../functions/auth/get-factors.ts';
import { http1Door } from '../../e2e/doors/http.ts';
import { worldOf } from '../../e2e/matrix.ts';
import { expectOk, userWithSession } from '../../e2e/world.ts';
import { startBrowser } from '../../support/browser.ts';
import { freePort } from '../../support/free-port.ts';
import { type TestPlatform, testPlatform } from '../../support/platform.ts';

let platform: TestPlatform;
let browser: Browser;
let url: string;
beforeAll(async () => {
  const port = String(await freePort());
  url = `http://localhost:${port}`;
  platform = await testPlatform({ PERFECT21_HTTP_PORT: port, PERFECT21_PUBLIC_URL: url });
  browser = await startBrowser();
}, 180_000);
afterAll(async () => {
  await browser?.close();
  await platform?.close();
});

/** What a page of ours does, as its script says it. */
const SCRIPT = `async (token) => {
  const post = async (path, body, headers = {}) => {
    const answer = await fetch('/api/v1/auth/passkeys/' + path, {
      method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers },
    });
    if (!answer.ok) throw new Error(path + ': ' + (await answer.text()));
    return answer.json();
  };
  const own = { authorization: 'Bearer ' + token };
  const wanted = PublicKeyCredential.parseCreationOptionsFromJSON(await post('register/options', {}, own));
  const made = await navigator.credentials.create({ publicKey: wanted });
  const added = await post('register/verify', { ...made.toJSON(), name: 'a browser' }, own);
  const asked = PublicKeyCredential.parseRequestOptionsFromJSON(await post('login/options', {}));
  const shown = await navigator.credentials.get({ publicKey: asked });
  return { added, tokens: await post('login/verify', shown.toJSON()) };
}`;

test.each([
  ['that is built in', { protocol: 'ctap2', transport: 'internal' }],
  ['that is plugged in', { protocol: 'ctap2', transport: 'usb' }],
] as const)('an authenticator %s sets a passkey up and logs in with it', async (_, kind) => {
  const world = worldOf(platform, http1Door(platform.http.url));
  const { access_token, user_id } = await userWithSession(world);
  const context = await browser.newContext({ bypassCSP: true });
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  const user = { hasResidentKey: true, hasUserVerification: true, isUserVerified: true };
  const options = { ...kind, ...user, automaticPresenceSimulation: true };
  await devtools.send('WebAuthn.addVirtualAuthenticator', { options });
  await page.goto(`${url}/.well-known/openid-configuration`);
  const { added, tokens } = (await page.evaluate(`(${SCRIPT})(${JSON.stringify(access_token)})`)) as any;
  expect(tokens.user_id).toBe(user_id);
  expect(decodeJwt(tokens.access_token)).toMatchObject({ sub: user_id, amr: ['pop', 'mfa'], acr: 'aal2' });
  const { passkeys } = await expectOk(world.call(getFactors, {}, { token: tokens.access_token }));
  expect(passkeys).toEqual([{ ...added, name: 'a browser', last_used_at: expect.any(Number) }]);
  await context.close();
});

test('a page of another port of this machine calls with a token and reads the answer', async () => {
  const world = worldOf(platform, http1Door(platform.http.url));
  const { access_token, user_id } = await userWithSession(world);
  const app = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<p>an application'));
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
  const page = await browser.newPage();
  await page.goto(`http://localhost:${(app.address() as AddressInfo).port}`);
  const read = await page.evaluate(`(async () => {
    const answer = await fetch('${url}/api/v1/users/me', {
      headers: { authorization: 'Bearer ${access_token}', 'content-type': 'application/json' },
    });
    return [await answer.json(), answer.headers.get('x-request-id')];
  })()`);
  expect(read).toEqual([expect.objectContaining({ id: user_id }), expect.any(String)]);
  await page.close();
  app.close();
});
