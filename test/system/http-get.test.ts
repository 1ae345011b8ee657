import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { httpGet } from '../../shared/system/http-get.ts';

const BOUNDS = { ms: 5_000, most: 1_000 };

/** A server that answers so; its URL. */
const serving = async (answer: RequestListener): Promise<string> => {
  const server = createServer(answer);
  await new Promise<void>((listens) => void server.listen(0, '127.0.0.1', listens));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
};

describe('a document of another server', () => {
  test('comes whole, with its status', async () => {
    const url = await serving((_, response) => {
      response.writeHead(404).write('no ');
      setImmediate(() => response.end('such thing: ü'));
    });
    const { status, body } = await httpGet(url, BOUNDS);
    expect([status, body.toString('utf8')]).toEqual([404, 'no such thing: ü']);
  });

  test('is not looked for where a redirect sends', async () => {
    let asked = 0;
    const url = await serving((_, response) => {
      asked += 1;
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    expect(await httpGet(url, BOUNDS)).toMatchObject({ status: 302 });
    expect(asked).toBe(1);
  });

  test('may have so many bytes and not one more, and one without end is not read on', async () => {
    const most = await serving((_, response) => response.end('x'.repeat(BOUNDS.most)));
    expect((await httpGet(most, BOUNDS)).body).toHaveLength(BOUNDS.most);
    const closed = Promise.withResolvers<void>();
    const endless = await serving((_, response) => {
      const more = (): void =>
        void (response.write('x'.repeat(400)) ? setImmediate(more) : response.once('drain', more));
      response.on('close', closed.resolve);
      more();
    });
    await expect(httpGet(endless, BOUNDS)).rejects.toThrow('too large');
    await closed.promise;
  });

  test.each<[string, RequestListener]>([
    ['that nobody answers', () => {}],
    ['that stops halfway', (_, response) => void response.writeHead(200).write('half')],
  ])('%s is given up when its time is over', async (_, answer) => {
    await expect(httpGet(await serving(answer), { ...BOUNDS, ms: 50 })).rejects.toThrow(/abort/);
  });

  test('that breaks off is none, and neither is one of a server that is away', async () => {
    const url = await serving((_, response) => {
      response.writeHead(200, { 'content-length': 10 }).write('half');
      setImmediate(() => response.destroy());
    });
    await expect(httpGet(url, BOUNDS)).rejects.toThrow();
    await expect(httpGet('http://127.0.0.1:9/', BOUNDS)).rejects.toThrow('ECONNREFUSED');
  });
});
