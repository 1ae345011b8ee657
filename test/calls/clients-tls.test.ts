import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { ServiceClient } from '../../shared/calls/rest/service-client.ts';
import { StartError } from '../../shared/config/start-error.ts';
import { connectFromEnvironment } from '../../shared/process/grpc-client.ts';
import { authority } from '../doors/grpc/certificates.ts';
import { type TestPlatform, testPlatform } from '../support/platform.ts';

const ORDERS = 'URI:spiffe://perfect21/orders';
const folder = mkdtempSync(join(tmpdir(), 'perfect21-client-tls-'));
const own = authority('own');
const place = (name: string): string => join(folder, name);
const install = (name: string, { cert, key }: { cert: string; key: string }) => {
  writeFileSync(place(`${name}.pem`), cert);
  writeFileSync(place(`${name}.key`), key);
  return { PERFECT21_TLS_CERT: place(`${name}.pem`), PERFECT21_TLS_KEY: place(`${name}.key`) };
};

let platform: TestPlatform;
beforeAll(async () => {
  writeFileSync(place('ca.pem'), own.ca);
  writeFileSync(place('clients.json'), JSON.stringify({ [ORDERS]: { name: 'orders', permissions: ['users:read'] } }));
  platform = await testPlatform({
    ...install('platform', own.issue('DNS:perfect21.internal', 'DNS:localhost')),
    PERFECT21_TLS_CA: place('ca.pem'),
    PERFECT21_TLS_CLIENTS: place('clients.json'),
    PERFECT21_TLS_CLIENT_AUTH: 'require',
  });
}, 60_000);
afterAll(async () => {
  await platform?.close();
  rmSync(folder, { recursive: true, force: true });
});

const connected = async (env: Record<string, string>) => {
  const client = await connectFromEnvironment({
    DISCOVERY_URL: `static:users=127.0.0.1:${platform.grpc.port}`,
    PERFECT21_TLS_CA: place('ca.pem'),
    PERFECT21_TLS_PEER_NAME: 'perfect21.internal',
    ...env,
  });
  onTestFinished(() => client.close());
  const asked = (): Promise<unknown> =>
    client.users.getUser({ user_id: 'nobody' }, { timeout_ms: 3_000 }).then(
      () => 'answered',
      ({ code }) => code,
    );
  return asked;
};

test('a client is who its certificate says, as the environment names it, without a service token', async () => {
  const asked = await connected(install('orders', own.issue(ORDERS)));
  expect(await asked()).toBe('not_found');
});

test('one with the certificate of somebody unknown may do nothing, one without any reaches nobody', async () => {
  const stranger = await connected(install('stranger', own.issue('URI:spiffe://perfect21/stranger')));
  expect(['internal', 'unauthenticated']).toContain(await stranger());
  expect(await (await connected({}))()).toBe('unavailable');
});

test('a platform whose certificate is of another authority, or issued to somebody else, is not talked to', async () => {
  writeFileSync(place('other.pem'), authority('other').ca);
  const orders = install('orders', own.issue(ORDERS));
  expect(await (await connected({ ...orders, PERFECT21_TLS_CA: place('other.pem') }))()).toBe('unavailable');
  expect(await (await connected({ ...orders, PERFECT21_TLS_PEER_NAME: 'elsewhere.internal' }))()).toBe('unavailable');
});

test('what the environment says wrongly is one line', async () => {
  const connecting = connectFromEnvironment({ PERFECT21_TLS_CA: place('none.pem') });
  await expect(connecting).rejects.toBeInstanceOf(StartError);
  await expect(connectFromEnvironment({ DISCOVERY_URL: 'eureka://a' })).rejects.toThrow(/^DISCOVERY_URL/);
});

test('ServiceClient speaks TLS, and trusts whom it was told to', async () => {
  const url = `https://127.0.0.1:${platform.http.port}`;
  const asking = (ca: string) => {
    const client = new ServiceClient({ services: { 'auth-service': [url] }, tls: { ca, name: 'localhost' } });
    onTestFinished(() => client.close());
    return client.request('auth-service', 'POST', '/api/v1/auth/validate', { body: { token: 'a.b.c' } });
  };
  expect((await asking(own.ca)).body).toMatchObject({ valid: false, error_message: 'malformed' });
  await expect(asking(authority('other').ca)).rejects.toMatchObject({ code: 'unavailable' });
});
