/** The status page in Chromium: what an operator sees, in English and Chinese, under its policy. */
import { request } from 'node:http';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { validateToken } from '../../../functions/auth/validate-token.ts';
import { grpcDoor } from '../../e2e/doors/grpc.ts';
import { http1Door } from '../../e2e/doors/http.ts';
import { worldOf } from '../../e2e/matrix.ts';
import { expectOk, userWithSession } from '../../e2e/world.ts';
import { startBrowser } from '../../support/browser.ts';
import { type TestPlatform, testPlatform } from '../../support/platform.ts';

let platform: TestPlatform;
let browser: Browser;
let url: string;
beforeAll(async () => {
  platform = await testPlatform();
  browser = await startBrowser();
  url = `http://127.0.0.1:${platform.metrics.port}/status`;
}, 180_000);
afterAll(async () => {
  await browser?.close();
  await platform?.close();
});

/** Opens it, and hears what the browser holds against it. */
const open = async (locale: string, query = ''): Promise<{ page: Page; complaints: string[] }> => {
  const context = await browser.newContext({ locale, viewport: { width: 1_200, height: 900 } });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(`${url}${query}`);
  return { page, complaints };
};

test('it shows the five links against what is promised, with what really happened', async () => {
  const world = worldOf(platform, http1Door(platform.http.url));
  const { access_token } = await userWithSession(world);
  const door = grpcDoor(platform.grpc.port, http1Door(platform.http.url));
  await expectOk(door.call(validateToken, { token: access_token }, { token: world.service_token }));
  door.close();

  const { page, complaints } = await open('en-GB');
  const links = page.locator('#links tr');
  await expect.poll(() => links.count(), { timeout: 10_000 }).toBe(5);
  expect(await links.locator('svg').count()).toBe(5);
  expect(await links.locator('td:nth-child(2)').allTextContents()).toEqual([
    'p99 < 100 ms, 99.9%',
    'p99 < 10 ms, 99.99%',
    'p99 < 1 s, 99.99%',
    'p99 < 50 ms, 99.5%',
    'p99 < 1 s, 99.9%',
  ]);
  // samples are taken each five seconds
  await expect
    .poll(() => links.first().textContent(), { timeout: 20_000 })
    .toMatch(/Clients over REST (kept|not kept|too few to judge)/);
  expect(await links.first().locator('svg line.promise').count()).toBe(1);
  expect(await links.first().locator('svg circle').count()).toBeGreaterThan(0);
  expect(await page.locator('#engines').textContent()).toBe('storesqliteokbusembeddedokkeysfileok');
  // said again and again, for the platform measures it, too
  const dead = () => {
    platform.host.ports.metrics.gauge('perfect21_queue_depth', { queue: 'perfect21.dead' }, 3);
    return page.locator('#queues tr').filter({ hasText: 'dead letters' }).textContent();
  };
  await expect.poll(dead, { timeout: 20_000 }).toMatch(/^dead letters.*3/);
  expect(await page.locator('#queues tr.late').count()).toBe(1);
  expect(await page.locator('#process').textContent()).toContain(process.version);
  expect(complaints).toEqual([]);
  await page.context().close();
}, 60_000);

test('it speaks Chinese to who prefers it, and English by the switch', async () => {
  const { page, complaints } = await open('zh-CN');
  await expect.poll(() => page.locator('#links tr').first().textContent()).toContain('客户端 REST');
  expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN');
  await page.getByRole('link', { name: 'English' }).click();
  await expect.poll(() => page.locator('#links tr').first().textContent()).toContain('Clients over REST');
  await page.getByRole('link', { name: '中文' }).click();
  await expect.poll(() => page.locator('html').getAttribute('lang')).toBe('zh-CN');
  expect(complaints).toEqual([]);
  await page.context().close();
}, 30_000);

test('nothing runs in it that it did not bring, and no text becomes markup', async () => {
  const { page, complaints } = await open('en-GB');
  const added = `{
    const script = document.createElement('script');
    script.append('globalThis.ran = true;');
    document.body.append(script);
    'ran' in globalThis;
  }`;
  expect(await page.evaluate(added)).toBe(false);
  await expect(page.evaluate("document.body.innerHTML = '<b>x</b>'")).rejects.toThrow(/TrustedHTML/);
  expect(complaints.join()).toContain('TrustedScript');
  const answer = await fetch(url);
  expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(await answer.text()).not.toMatch(/<script>|style=|\son\w+=/);
  await page.context().close();
}, 30_000);

test('when the process is gone it says so, and since when what it shows is old', async () => {
  const { page } = await open('en-GB');
  await expect.poll(() => page.locator('#links tr').count()).toBe(5);
  await page.route('**/status/data.json', (route) => route.abort());
  await expect.poll(() => page.locator('#note').textContent(), { timeout: 15_000 }).toMatch(/^No answer .* \d/);
  expect(await page.locator('#links tr').count()).toBe(5);
  await page.context().close();
}, 30_000);

test('a name that somebody else points at this machine is shown nothing', async () => {
  const status = await new Promise((resolve, reject) => {
    const asked = request(`${url}/data.json`, { headers: { host: 'evil.example' } }, ({ statusCode, ...answer }) => {
      (answer as { resume?(): void }).resume?.();
      resolve(statusCode);
    });
    asked.on('error', reject).end();
  });
  expect(status).toBe(421);
});
