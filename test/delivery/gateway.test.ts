/** Connections at API Gateway are spoken to by its management API, signed as AWS documents it. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openGateway } from '../../shared/aws/connections.ts';
import { loadConfig } from '../../shared/config/config.ts';
import { gatewayConnections } from '../../shared/delivery/realtime/gateway.ts';
import { startGateway } from '../engines/api-gateway.ts';

const credentials = { accessKeyId: 'key', secretAccessKey: 'local' };
let gateway: Awaited<ReturnType<typeof startGateway>>;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway?.close());
beforeEach(() => {
  gateway.fault.status = undefined;
});
const opened = () => openGateway(gateway.url, { region: 'eu-central-1', credentials });

test('a frame reaches its connection, whose id has to be escaped; one that is gone is told', async () => {
  gateway.open.add('L0SM9cOFvHcCIhw=');
  expect(await opened().post('L0SM9cOFvHcCIhw=', '{"title":"Grüße"}')).toBe(true);
  expect(gateway.sent.get('L0SM9cOFvHcCIhw=')).toEqual([{ title: 'Grüße' }]);
  expect(await opened().post('gone/../x=', '{}')).toBe(false);
});

test('a connection is closed, and closing one that is gone is well', async () => {
  gateway.open.add('b=');
  await opened().close('b=');
  await opened().close('b=');
  expect(gateway.closed).toEqual(['b=']);
});

test('whatever else is answered, or nothing, is unavailable', async () => {
  gateway.open.add('c=');
  for (const status of [403, 413, 429, 500]) {
    gateway.fault.status = status;
    await expect(opened().post('c=', '{}')).rejects.toMatchObject({ code: 'unavailable' });
    await expect(opened().close('c=')).rejects.toMatchObject({ code: 'unavailable' });
  }
  gateway.fault.status = undefined;
  const other = openGateway(gateway.url, {
    region: 'eu-central-1',
    credentials: { ...credentials, secretAccessKey: 'x' },
  });
  await expect(other.post('c=', '{}')).rejects.toMatchObject({ code: 'unavailable' });
  const nobody = openGateway('http://127.0.0.1:9/ws', { region: 'eu-central-1', credentials });
  await expect(nobody.post('c=', '{}')).rejects.toMatchObject({ code: 'unavailable' });
});

test('a function whose stack does not say where they are does not start', () => {
  const config = loadConfig({ PERFECT21_SECRET: Buffer.alloc(32).toString('base64') });
  expect(() => gatewayConnections.open({}, config)).toThrow(/^PERFECT21_CONNECTIONS_URL is missing/);
});
