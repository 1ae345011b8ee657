import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { ipOf, isLoopback, serviceCaller } from '../../../shared/doors/grpc/access.ts';
import { guard } from '../../../shared/doors/grpc/guarded.ts';
import { unary } from '../../../shared/doors/grpc/unary.ts';
import { INTERNAL_CODEC } from '../../../shared/grpc/internal.ts';
import { authority } from './certificates.ts';
import { rawCall } from './raw-call.ts';
import { PLATFORM_TOKEN, READER_TOKEN, startRig } from './rig.ts';

const REFRESH = '/perfect21.auth.AuthService/RefreshToken';
const VALIDATE = '/perfect21.auth.AuthService/ValidateToken';

describe('a peer', () => {
  test.each([
    ['127.0.0.1:4711', '127.0.0.1', true],
    ['127.8.9.1:1', '127.8.9.1', true],
    ['::1:4711', '::1', true],
    ['::ffff:127.0.0.1:4711', '127.0.0.1', true],
    ['10.0.0.9:4711', '10.0.0.9', false],
    ['::ffff:10.0.0.9:4711', '10.0.0.9', false],
    ['2001:db8::1:4711', '2001:db8::1', false],
    ['127.evil.example:1', '127.evil.example', false],
    ['unknown', '', false],
  ])('%s has the address %s, loopback: %s', (peer, ip, loopback) => {
    const found = ipOf(peer);
    expect(isLoopback(found)).toBe(loopback);
    if (peer !== 'unknown') expect(found).toBe(ip);
  });
});

/** A call that comes from another machine, as far as the door can see. */
const farCall = (more: object = {}) => ({
  metadata: new Metadata(),
  request: Buffer.from('{"token":"t"}'),
  cancelled: false,
  getPeer: () => '203.0.113.7:4711',
  getDeadline: () => Number.POSITIVE_INFINITY,
  getAuthContext: () => ({}),
  sendMetadata: () => {},
  ...more,
});

describe('from another machine', () => {
  const validate = async (metadata: Metadata) => {
    await using rig = await startRig();
    const rules = { openOnLoopback: true, limit: 1000, identities: {} };
    const handler = unary(rig.host, rig.ops.validateToken, VALIDATE, INTERNAL_CODEC, rules);
    return new Promise<any>((done) =>
      handler(farCall({ metadata }) as any, (error: any, value: any) => done(error ? error.code : 0 && value)),
    );
  };

  test('even ValidateToken asks for a service token', async () => {
    expect(await validate(new Metadata())).toBe(status.UNAUTHENTICATED);
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${READER_TOKEN}`);
    expect(await validate(metadata)).toBe(0);
  });

  test('two authorizations are one too many', async () => {
    const metadata = new Metadata();
    metadata.add('authorization', `Bearer ${READER_TOKEN}`);
    metadata.add('authorization', 'Bearer p21s_wrong');
    expect(await validate(metadata)).toBe(status.UNAUTHENTICATED);
  });

  test('health and reflection ask for a service token as well', async () => {
    await using rig = await startRig();
    let methods: any;
    const server: any = { addService: (_: unknown, added: unknown) => (methods = added) };
    let reached = 0;
    guard(server, rig.host.ports, {}).server.addService({} as any, { check: () => reached++, watch: () => reached++ });
    const refused = await new Promise<any>((done) => methods.check(farCall(), done));
    const ended = await new Promise<any>((done) =>
      methods.watch(farCall({ on: () => {}, emit: (_: string, error: unknown) => done(error) })),
    );
    expect([refused.code, ended.code, reached]).toEqual([status.UNAUTHENTICATED, status.UNAUTHENTICATED, 0]);
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${READER_TOKEN}`);
    methods.check(farCall({ metadata }), () => {});
    methods.check(farCall({ getPeer: () => '127.0.0.1:1' }), () => {});
    await expect.poll(() => reached).toBe(2);
  });
});

describe('over TLS', () => {
  const own = authority();
  const identities = { 'URI:spiffe://perfect21/reader': { name: 'reader', permissions: ['users:read'] } };
  const tls = { ...own.issue('DNS:localhost', 'IP:127.0.0.1'), clients: { ca: own.ca, identities } };
  const refresh = async (
    rig: { door: { port: number } },
    certificate?: { cert: string; key: string },
    options = {},
  ) => {
    const [key, cert] = certificate ? [Buffer.from(certificate.key), Buffer.from(certificate.cert)] : [null, null];
    const client = new Client(`127.0.0.1:${rig.door.port}`, credentials.createSsl(Buffer.from(own.ca), key, cert));
    const answer = await rawCall(client, REFRESH, Buffer.alloc(0), options);
    client.close();
    return answer.code;
  };

  test('a known client certificate stands for its service', async () => {
    await using rig = await startRig({ tls });
    expect(await refresh(rig, own.issue('DNS:a.example', 'URI:spiffe://perfect21/reader'))).toBe(status.OK);
  });

  test('a certificate of our authority that nobody listed is PERMISSION_DENIED', async () => {
    await using rig = await startRig({ tls });
    expect(await refresh(rig, own.issue('URI:spiffe://perfect21/other'))).toBe(status.PERMISSION_DENIED);
  });

  test('a name cannot be smuggled into another one', async () => {
    await using rig = await startRig({ tls });
    const smuggled = own.issue('URI:spiffe://x/", URI:spiffe://perfect21/reader, DNS:"');
    expect(await refresh(rig, smuggled)).toBe(status.PERMISSION_DENIED);
    expect(await refresh(rig, own.issue('DNS:x, URI:spiffe://perfect21/reader'))).toBe(status.PERMISSION_DENIED);
  });

  test('a certificate of another authority is no credential', async () => {
    await using rig = await startRig({ tls });
    const foreign = authority('somebody else').issue('URI:spiffe://perfect21/reader');
    expect(await refresh(rig, foreign)).toBe(status.UNAUTHENTICATED);
  });

  test('a service token serves without a certificate', async () => {
    await using rig = await startRig({ tls });
    expect(await refresh(rig)).toBe(status.UNAUTHENTICATED);
    expect(await refresh(rig, undefined, { token: PLATFORM_TOKEN })).toBe(status.OK);
  });

  test('without client identities the server asks for no certificate', async () => {
    await using rig = await startRig({ tls: { cert: tls.cert, key: tls.key } });
    expect(await refresh(rig, undefined, { token: PLATFORM_TOKEN })).toBe(status.OK);
  });

  test('a client without TLS gets nothing', async () => {
    await using rig = await startRig({ tls });
    expect((await rig.call(VALIDATE, Buffer.alloc(0))).code).toBe(status.UNAVAILABLE);
  });
});

test('a certificate without alternative names is nobody', async () => {
  const call: any = farCall({ getAuthContext: () => ({ sslPeerCertificate: { subject: { CN: 'reader' } } }) });
  await expect(serviceCaller({} as any, call, { 'DNS:reader': { name: 'r', permissions: [] } })).rejects.toMatchObject({
    code: 'forbidden',
  });
});
