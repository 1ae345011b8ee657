import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcp, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ServiceClient, type ServiceClientOptions } from '../../shared/calls/rest/service-client.ts';
import { AppError } from '../../shared/kit/errors.ts';

const SERVICE = 'user-service';

const instance = async (
  answer: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => response.end('"well"'),
) => {
  const seen: IncomingMessage[] = [];
  const connections = new Set<Socket>();
  const server: Server = createServer((request, response) => {
    seen.push(request);
    response.setHeader('content-type', 'application/json');
    answer(request, response);
  });
  server.on('connection', (socket) => connections.add(socket.on('error', () => {})));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, connections, server };
};
const refusing = (status: number, body: object = {}) =>
  instance((_, response) => {
    response.writeHead(status);
    response.end(JSON.stringify(body));
  });
const tcp = async (meet: (socket: Socket) => void): Promise<string> => {
  const sockets: Socket[] = [];
  const server = createTcp((socket) => {
    sockets.push(socket.on('error', () => {}));
    meet(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const clientOf = (urls: readonly string[], more: Partial<ServiceClientOptions> = {}) => {
  const client = new ServiceClient({ services: { [SERVICE]: urls }, ...more });
  onTestFinished(() => client.close());
  return {
    get: (options = {}) => client.request(SERVICE, 'GET', '/api/v1/users/me', options),
    post: (options = {}) => client.request(SERVICE, 'POST', '/api/v1/users/batch-get', options),
  };
};
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'answered',
    (thrown) => (thrown instanceof AppError ? thrown.code : `strange: ${thrown}`),
  );

describe('ServiceClient', () => {
  test('sends JSON, token and trace, and gives status, header fields and body', async () => {
    const one = await instance((request, response) => {
      response.setHeader('x-seen', request.method!);
      request.pipe(response);
    });
    const { post } = clientOf([one.url], { token: () => 'p21s_x' });
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const { status, headers, body } = await post({ body: { user_ids: ['a'] }, query: { x: 'é' }, traceparent });
    expect([status, headers['x-seen'], body]).toEqual([200, 'POST', { user_ids: ['a'] }]);
    const [request] = one.seen;
    expect(request!.url).toBe('/api/v1/users/batch-get?x=%C3%A9');
    expect(request!.headers.authorization).toBe('Bearer p21s_x');
    expect(request!.headers.traceparent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-/);
  });

  test('throws the code, detail and field errors of a problem, and the code of any other refusal’s status', async () => {
    const errors = [{ path: 'user_ids', message: 'too many' }];
    const problem = await refusing(400, { code: 'invalid_request', detail: 'no', errors });
    await expect(clientOf([problem.url]).get()).rejects.toMatchObject({
      code: 'invalid_request',
      detail: 'no',
      errors,
    });
    expect(await codeOf(clientOf([(await refusing(404)).url]).get())).toBe('not_found');
    expect(await codeOf(clientOf([(await refusing(418)).url]).get())).toBe('invalid_request');
    expect(problem.seen).toHaveLength(1);
  });

  test('tries three times what may be done twice, at the next instance; anything else once', async () => {
    const [bad, good] = [await refusing(503), await instance()];
    expect((await clientOf([bad.url, good.url]).get()).body).toBe('well');
    const lone = await refusing(503);
    expect(await codeOf(clientOf([lone.url]).get())).toBe('unavailable');
    expect(lone.seen).toHaveLength(3);
    expect(await codeOf(clientOf([lone.url]).post())).toBe('unavailable');
    expect(lone.seen).toHaveLength(4);
    // nothing was sent: any method may be tried at the next one
    expect((await clientOf(['http://127.0.0.1:1', good.url]).post()).body).toBe('well');
  });

  test('passes over an instance that failed three times in a row', async () => {
    const [bad, good] = [await refusing(502), await instance()];
    const ejected: string[] = [];
    const { get } = clientOf([bad.url, good.url], { ejected: (service, url) => ejected.push(`${service} ${url}`) });
    for (let call = 0; call < 12; call++) await get();
    expect([bad.seen.length, ejected]).toEqual([3, [`${SERVICE} ${bad.url}`]]);
  });

  test('holds 20 connections to one host and 100 in all, and keeps them', async () => {
    const held: ServerResponse[] = [];
    const holding = () => instance((_, response) => held.push(response));
    const instances = await Promise.all(Array.from({ length: 6 }, holding));
    const open = () => instances.map(({ connections }) => connections.size);
    const all = () => open().reduce((sum, each) => sum + each);
    const alone = clientOf([instances[0]!.url]);
    const calls = Array.from({ length: 50 }, () => alone.get());
    await expect.poll(() => held.length).toBe(20);
    expect(open()).toEqual([20, 0, 0, 0, 0, 0]);
    const { get } = clientOf(instances.map(({ url }) => url));
    calls.push(...Array.from({ length: 250 }, () => get()));
    await expect.poll(() => held.length).toBe(120);
    expect(all()).toBe(120);
    for (let answered = 0; answered < 300; answered++) {
      await expect.poll(() => held.length, { interval: 1 }).toBeGreaterThan(0);
      held.shift()!.end('1');
    }
    await Promise.all(calls);
    expect(all()).toBeLessThanOrEqual(140);
  }, 30_000);

  const peers: Record<string, () => Promise<string>> = {
    'that says nothing': () => tcp(() => {}),
    'that cuts the connection': () => tcp((socket) => socket.resetAndDestroy()),
    'that sends noise': () => tcp((socket) => socket.write(Buffer.alloc(4_096, 0xa5))),
    'that never ends its answer': async () => (await instance((_, response) => response.write('['))).url,
    'that sends byte by byte': () =>
      tcp((socket) => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n');
        const timer = setInterval(() => socket.write(' '), 20);
        socket.on('close', () => clearInterval(timer));
      }),
    'that announces more than it sends': () =>
      tcp((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n1')),
    'that sends no JSON': async () => (await instance((_, response) => response.end('{'))).url,
    'that sends header fields without end': () =>
      tcp((socket) => socket.write(`HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(9_999)}`)),
  };
  for (const [name, peer] of Object.entries(peers)) {
    test(`does not outlast its deadline with a peer ${name}`, async () => {
      const { get, post } = clientOf([await peer()]);
      const began = performance.now();
      const codes = await Promise.all([
        codeOf(get({ deadline: Date.now() + 500 })),
        codeOf(post({ deadline: Date.now() + 500 })),
        codeOf(get({ try_ms: 100 })),
      ]);
      for (const code of codes) expect(['unavailable', 'deadline_exceeded']).toContain(code);
      expect(performance.now() - began).toBeLessThan(1_500);
    });
  }

  test('ends a call that nobody waits for any more', async () => {
    const one = await instance(() => {});
    const gone = new AbortController();
    const call = codeOf(clientOf([one.url]).get({ signal: gone.signal }));
    await expect.poll(() => one.seen.length).toBe(1);
    gone.abort();
    expect(await call).toBe('cancelled');
    await expect.poll(() => one.seen[0]!.destroyed).toBe(true);
  });
});
