import { createServer, request, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mailsFrom } from '../e2e/matrix.ts';
import { freePort } from '../support/free-port.ts';
import { type TestPlatform, testPlatform } from '../support/platform.ts';

const BASE = '/some/base';

describe('behind a proxy that takes a path off', () => {
  let platform: TestPlatform;
  let proxy: Server;
  let outside: string;
  beforeAll(async () => {
    const port = await freePort();
    outside = `http://127.0.0.1:${port}${BASE}`;
    platform = await testPlatform({ PERFECT21_PUBLIC_URL: outside });
    proxy = createServer((incoming, answer) => {
      const { method, headers, url = '' } = incoming;
      if (!url.startsWith(`${BASE}/`)) return answer.writeHead(421).end();
      const inside = { port: platform.http.port, method, headers, path: url.slice(BASE.length) };
      incoming.pipe(
        request(inside, (reply) => {
          answer.writeHead(reply.statusCode!, reply.headers);
          reply.pipe(answer);
        }),
      );
    });
    await new Promise<void>((ready) => proxy.listen(port, '127.0.0.1', ready));
  }, 60_000);
  afterAll(async () => {
    proxy?.closeAllConnections();
    proxy?.close();
    await platform?.close();
  });

  /** What a page loads, by the addresses that a browser makes of them. */
  const loadedBy = async (page: string) => {
    const answer = await fetch(page);
    expect(answer.status).toBe(200);
    const found = [...(await answer.text()).matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1]!);
    return found.filter((to) => !to.startsWith('data:')).map((to) => new URL(to, answer.url).href);
  };

  test('the mailed link works: its page, what the page loads, and its button', async () => {
    const email = 'ada@example.org';
    const registered = await fetch(`${outside}/api/v1/auth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password: 'violet tractors hum quietly' }),
    });
    expect(registered.ok).toBe(true);
    await platform.drain();
    const [mail] = await mailsFrom(platform.mailbox!.httpPort, email);
    const link = /http:\/\/\S+\/verify-email\?token=[\w.-]+/.exec(mail!.text)![0];
    expect(link.startsWith(`${outside}/`)).toBe(true);
    const loaded = await loadedBy(link);
    for (const each of loaded) expect((await fetch(each)).status).toBe(200);

    const script = loaded.find((each) => each.endsWith('.js'))!;
    const body = (await (await fetch(script)).text()).replaceAll('import.meta.url', JSON.stringify(script));
    const posted = Promise.withResolvers<number>();
    let press = (_: { preventDefault(): void }): void => {};
    const element = {
      addEventListener: (_: string, pressed: typeof press) => {
        press = pressed;
      },
      querySelector: () => ({}),
      remove() {},
      dataset: {},
    };
    const page = {
      document: { getElementById: () => element, querySelectorAll: () => [], documentElement: {} },
      location: { search: new URL(link).search, pathname: new URL(link).pathname },
      history: { replaceState() {} },
      navigator: { language: 'en' },
      fetch: (...sent: Parameters<typeof fetch>) =>
        fetch(...sent).then((answer) => {
          posted.resolve(answer.status);
          return answer;
        }),
    };
    new Function(...Object.keys(page), body)(...Object.values(page));
    press({ preventDefault() {} });
    expect(await posted.promise).toBe(200);
  });

  test('the API browser finds its files and the document, and the document its server', async () => {
    for (const docs of ['/docs', '/docs/']) {
      const loaded = await loadedBy(outside + docs);
      expect(loaded).toContain(`${outside}/docs/start.js`);
      for (const each of loaded) expect((await fetch(each)).status).toBe(200);
    }
    const { servers } = (await (await fetch(`${outside}/openapi.json`)).json()) as { servers: { url: string }[] };
    expect(servers).toEqual([{ url: BASE }]);
    expect((await fetch(`${outside}/`)).url).toBe(`${outside}/docs`);
  });
});
