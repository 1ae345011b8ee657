import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '../../../shared/config/config.ts';
import { authority } from '../../doors/grpc/certificates.ts';
import { type Rabbitmq, startRabbitmq } from '../../engines/rabbitmq.ts';
import { probePlatform, seenBy } from '../rig.ts';
import { rabbitRig, until } from './rig.ts';

const folder = mkdtempSync(join(tmpdir(), 'rabbitmq-tls-'));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const ours = authority();
const pair = (name: string, of = ours): { cert: string; key: string } => {
  const { cert, key } = of.issue('DNS:localhost', `DNS:${name}`);
  return { cert: file(`${name}.crt`, cert), key: file(`${name}.key`, key) };
};
const ca = file('ca.crt', ours.ca);
const client = pair('client');
let server: Rabbitmq;
beforeAll(async () => {
  server = await startRabbitmq({ tls: { ca, ...pair('server') } });
}, 120_000);
afterAll(async () => {
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

const busOf = (env: Record<string, string>) => {
  const { bus } = loadConfig({ BUS_URL: server.tlsUrl, ...env });
  if (bus.engine !== 'rabbitmq') throw new Error('no broker chosen');
  return bus;
};

test('events go over TLS with a client certificate from the environment', async () => {
  const bus = busOf({ RABBITMQ_CA: ca, RABBITMQ_CERT: client.cert, RABBITMQ_KEY: client.key });
  const rig = await rabbitRig(bus.url, probePlatform(), bus);
  await until(() => rig.broker.connected(), 'the connections');
  await rig.note('sealed');
  await rig.start().drain();
  expect(await seenBy(rig.store)).toEqual(['sealed']);
  await rig.close();
});

test('a server of an unknown authority, and a client without a certificate, are refused with one line', async () => {
  const halves: Record<string, string>[] = [
    { RABBITMQ_CERT: client.cert, RABBITMQ_KEY: client.key },
    { RABBITMQ_CA: ca },
  ];
  for (const env of halves) {
    const bus = busOf(env);
    const rig = await rabbitRig(bus.url, probePlatform(), bus);
    await until(() => rig.logged.some(({ code }) => code === 'bus.away'), 'the line');
    expect(rig.broker.connected()).toBe(false);
    await rig.close();
  }
});

test('certificates without TLS, halves of a pair and other schemes stop the start with one line', () => {
  const load = (env: Record<string, string>) => () => loadConfig(env);
  expect(load({ BUS_URL: 'amqp://localhost', RABBITMQ_CA: ca })).toThrow(/amqps/);
  expect(load({ BUS_URL: 'amqps://localhost', RABBITMQ_CERT: ca })).toThrow(/belong together/);
  expect(load({ BUS_URL: 'amqps://localhost', RABBITMQ_QUEUE_TYPE: 'stream' })).toThrow(/RABBITMQ_QUEUE_TYPE/);
  expect(load({ BUS_URL: 'kafka://user:hidden@localhost' })).toThrow(/^BUS_URL names no known engine(?!.*hidden)/);
});
