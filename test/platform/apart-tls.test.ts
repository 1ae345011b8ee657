import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { Client, credentials, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { authority, type Certificate } from '../doors/grpc/certificates.ts';
import { rawCall } from '../doors/grpc/raw-call.ts';
import { freePort } from '../support/free-port.ts';
import { type Started, startProcess } from '../support/process.ts';

const ORDERS = 'URI:spiffe://perfect21/orders';
const FIND = '/perfect21.user.UserService/GetUser';

describe('services apart that know each other by certificates', () => {
  const folder = mkdtempSync(join(tmpdir(), 'perfect21-tls-'));
  const own = authority('first');
  const place = (name: string) => join(folder, name);
  const install = (name: string, { cert, key }: Certificate): void => {
    writeFileSync(place(`${name}.pem`), cert);
    writeFileSync(place(`${name}.key`), key);
  };
  const started: Started[] = [];
  const ports: Record<string, number> = {};
  let http: string;

  beforeAll(async () => {
    for (const name of ['auth', 'users']) ports[name] = await freePort();
    writeFileSync(place('ca.pem'), own.ca);
    // addresses change, names stay: what certificates are issued to
    for (const name of ['auth', 'users']) install(name, own.issue('DNS:perfect21.internal', 'DNS:localhost'));
    const clients = { [ORDERS]: { name: 'orders', permissions: ['users:read'] } };
    writeFileSync(place('clients.json'), JSON.stringify(clients));
    const users = `127.0.0.1:${ports.users}`;
    const auth = `127.0.0.1:${ports.auth}`;
    const discovery = `static:auth=${auth},notifications=${auth},users=${users},permissions=${users},sessions=${users}`;
    for (const [name, services] of [
      ['auth', 'auth,notifications'],
      ['users', 'users,permissions,sessions'],
    ] as const) {
      const process = startProcess(join(folder, 'data'), {
        PERFECT21_SERVICES: services,
        PERFECT21_GRPC_PORT: String(ports[name]),
        DISCOVERY_URL: discovery,
        PERFECT21_TLS_CERT: place(`${name}.pem`),
        PERFECT21_TLS_KEY: place(`${name}.key`),
        PERFECT21_TLS_CA: place('ca.pem'),
        PERFECT21_TLS_CLIENTS: place('clients.json'),
        PERFECT21_TLS_CLIENT_AUTH: 'require',
        PERFECT21_TLS_PEER_NAME: 'perfect21.internal',
      });
      started.push(process);
      await process.ready;
    }
    http = started[0]!.address('REST');
  }, 60_000);
  afterAll(async () => {
    await Promise.all(started.map(({ end }) => end()));
    rmSync(folder, { recursive: true, force: true });
  });

  const login = (): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const { admin } = JSON.parse(readFileSync(join(folder, 'data', 'dev-credentials.json'), 'utf8'));
      const headers = { 'content-type': 'application/json' };
      request(
        `${http}/auth/login`,
        { ca: own.ca, servername: 'localhost', method: 'POST', headers, agent: false },
        (answer) => {
          answer.resume().on('end', () => resolve(answer.statusCode));
        },
      )
        .on('error', reject)
        .end(JSON.stringify({ identifier: admin.email, password: admin.password }));
    });
  /** A call of another service to users, with a certificate or none. */
  const find = async (certificate?: Certificate): Promise<status> => {
    const [key, cert] = certificate ? [Buffer.from(certificate.key), Buffer.from(certificate.cert)] : [null, null];
    const client = new Client(`localhost:${ports.users}`, credentials.createSsl(Buffer.from(own.ca), key, cert));
    const answer = await rawCall(client, FIND, Buffer.alloc(0), { token: 'p21s_wrong' });
    client.close();
    return answer.code;
  };
  const shown = (port: number, certificate: Certificate): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, ca: own.ca, ...certificate, servername: 'localhost', ALPNProtocols: ['h2'] });
      socket.once('error', reject).once('secureConnect', () => {
        resolve(socket.getPeerX509Certificate()!.serialNumber);
        socket.destroy();
      });
    });

  test('log somebody in together', async () => {
    expect(await login()).toBe(200);
  });

  test('refuse whoever has no certificate of theirs before a word is said', async () => {
    expect(await find()).toBe(status.UNAVAILABLE);
    expect(await find(authority('somebody else').issue(ORDERS))).toBe(status.UNAVAILABLE);
    expect(await find(own.issue(ORDERS))).toBe(status.UNAUTHENTICATED);
  });

  test('take new certificates without a restart, of ports and of calls', async () => {
    const fresh = own.issue('DNS:perfect21.internal', 'DNS:localhost');
    const client = own.issue(ORDERS);
    for (const name of ['auth', 'users']) install(name, fresh);
    const { serialNumber } = new X509Certificate(fresh.cert);
    const restPort = Number(new URL(http).port);
    for (const port of [ports.auth!, ports.users!, restPort])
      await expect.poll(() => shown(port, client), { timeout: 10_000, interval: 50 }).toBe(serialNumber);
    expect(await login()).toBe(200);
  });
});
