/** A collector that does not take spans costs nobody anything: not the requests, and not the memory. */
import { createServer, type Server } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, expect, test } from 'vitest';
import { loadConfig } from '../../shared/config/config.ts';
import { createLog } from '../../shared/system/log.ts';
import { createMetrics } from '../../shared/system/metrics.ts';
import { openTracer } from '../../shared/tracing/otlp.ts';
import { freePort } from '../support/free-port.ts';
import { testPlatform } from '../support/platform.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (let close = closing.pop(); close; close = closing.pop()) await close();
});

/** Takes connections and answers nothing. */
const hanging = async (): Promise<string> => {
  const sockets = new Set<{ destroy(): void }>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).resume();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
};
const away = async (): Promise<string> => `http://127.0.0.1:${await freePort()}`;

const collectors = { 'that hangs': hanging, 'that is away': away };

test.each(Object.entries(collectors))(
  'a collector %s: a million spans are begun, ended and not kept',
  async (_, collector) => {
    const { tracing } = loadConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: await collector() });
    const log = createLog('silent', { write: () => {} });
    const { port } = await openTracer(
      tracing!,
      { store: 'sqlite', bus: 'perfect21' },
      { log, metrics: createMetrics() },
    );
    const spans = async (count: number): Promise<number> => {
      for (let n = 0; n < count; n++) {
        port.start('a', 'internal', undefined, { 'http.route': '/api/v1/users/{user_id}' }).end();
        // the exporter gets its turns
        if (n % 1_000 === 0) await new Promise((turn) => setImmediate(turn));
      }
      collect();
      return process.memoryUsage().heapUsed;
    };
    const before = await spans(20_000);
    const after = await spans(1_000_000);
    // 8,192 spans wait, 2,048 are on their way
    expect((after - before) / 1e6).toBeLessThan(16);
  },
  120_000,
);

test('a platform whose collector hangs answers, relays and stops as without one', async () => {
  const platform = await testPlatform({ OTEL_EXPORTER_OTLP_ENDPOINT: await hanging() });
  const ask = async (): Promise<number> => {
    const started = performance.now();
    const { status } = await fetch(`${platform.http.url}/api/v1/auth/validate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"token":"x"}',
    });
    expect(status).toBe(200);
    return performance.now() - started;
  };
  // more spans than are held, so that some have nowhere to go
  const times: number[] = [];
  for (let n = 0; n < 1_500; n++) times.push(await ask());
  times.sort((one, other) => one - other);
  expect(times[750]).toBeLessThan(50);
  const stopping = performance.now();
  await platform.close();
  expect(performance.now() - stopping).toBeLessThan(8_000);
}, 120_000);
