import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { cloudMap } from '../../../shared/calls/discovery/cloudmap.ts';
import { consul } from '../../../shared/calls/discovery/consul.ts';
import type { Registry } from '../../../shared/calls/discovery/discovery.ts';
import { kubernetes } from '../../../shared/calls/discovery/k8s.ts';
import { authority } from '../../doors/grpc/certificates.ts';
import { type CloudMapInstance, startCloudMap } from '../../engines/cloudmap.ts';
import { awsEnvironment, stubEnvironment } from '../../support/aws.ts';
import { endpoint, startConsul, startKubernetes, type Trouble } from './fakes.ts';

const LONG = () => AbortSignal.timeout(5_000);
const lookup = async (registry: Registry, service = 'user-service') =>
  (await registry.lookup(service, LONG())).map(({ address }) => address);
const failureOf = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => expect.fail('it answered'),
    (thrown: Error) => thrown,
  );

describe('Kubernetes', () => {
  let cluster: Awaited<ReturnType<typeof startKubernetes>>;
  beforeEach(async () => {
    cluster = await startKubernetes();
  });
  afterEach(() => cluster.close());
  const registry = () => kubernetes({ api: cluster.api, namespace: 'shop' }, cluster.folder);
  const service = 'user-service';

  test('tells ready pods of the Service with the service’s name, by its port grpc, from all of its slices', async () => {
    const ports = [
      { name: 'http', port: 8081 },
      { name: 'grpc', port: 50052 },
    ];
    cluster.slices.push(
      { service, ports, endpoints: [endpoint('10.0.0.1'), endpoint('10.0.0.2', { ready: false, serving: true })] },
      { service, endpoints: [endpoint('10.0.0.3')] },
      { service: 'auth-service', endpoints: [endpoint('10.0.0.9')] },
      { service: 'users', endpoints: [endpoint('10.0.0.8')] },
    );
    expect(await lookup(registry())).toEqual(['10.0.0.1:50052', '10.0.0.3:50051']);
  });

  test('tells in which zone a pod stands', async () => {
    cluster.slices.push({ service, endpoints: [{ ...endpoint('10.0.0.1'), zone: 'eu-1a' }] });
    expect(await registry().lookup(service, LONG())).toEqual([{ address: '10.0.0.1:50051', zone: 'eu-1a' }]);
  });

  test('counts a pod as ready when it does not say, and none that is ending', async () => {
    const endpoints = [
      endpoint('10.0.0.1', {}),
      endpoint('10.0.0.2', { ready: null }),
      { addresses: ['10.0.0.3'] },
      endpoint('10.0.0.4', { ready: false, serving: true, terminating: true }),
    ];
    cluster.slices.push({ service, endpoints });
    expect(await lookup(registry())).toEqual(['10.0.0.1:50051', '10.0.0.2:50051', '10.0.0.3:50051']);
  });

  test('tells a pod of two families once, and one of IPv6 in brackets', async () => {
    const six = { service, addressType: 'IPv6', endpoints: [endpoint('fd00::1')] };
    cluster.slices.push(six);
    expect(await lookup(registry())).toEqual(['[fd00::1]:50051']);
    cluster.slices.push({ service, endpoints: [endpoint('10.0.0.1')] });
    expect(await lookup(registry())).toEqual(['10.0.0.1:50051']);
  });

  test('knows of none where there is no Service, no pod or no port grpc', async () => {
    expect(await lookup(registry())).toEqual([]);
    cluster.slices.push({ service, endpoints: null });
    cluster.slices.push({ service, endpoints: [endpoint('10.0.0.1')], ports: [{ name: 'http', port: 80 }] });
    cluster.slices.push({ service, endpoints: [endpoint('10.0.0.1')], ports: null });
    expect(await lookup(registry())).toEqual([]);
  });

  test('is asked with the token that the pod has now', async () => {
    const asked = registry();
    await lookup(asked);
    cluster.rotate('token-2');
    expect(await lookup(asked)).toEqual([]);
  });

  test('is away where it refuses; the token is in no message', async () => {
    const asked = registry();
    cluster.state.token = 'another';
    const error = await failureOf(lookup(asked));
    expect(error.message).toContain('answered 401');
    expect(JSON.stringify([error.message, error.stack])).not.toContain('token-1');
    const forbidden = kubernetes({ api: cluster.api, namespace: 'other' }, cluster.folder);
    cluster.state.token = 'token-1';
    expect((await failureOf(lookup(forbidden))).message).toContain('answered 403');
  });

  test('is not believed without a certificate of its authority', async () => {
    const other = await startKubernetes();
    onTestFinished(other.close);
    await failureOf(lookup(kubernetes({ api: cluster.api, namespace: 'shop' }, other.folder)));
    expect(cluster.state.requests).toHaveLength(0);
  });

  test('is away outside of a pod', async () => {
    const outside = kubernetes({ api: cluster.api, namespace: 'shop' }, `${cluster.folder}/none`);
    expect((await failureOf(lookup(outside))).message).toContain('ENOENT');
  });
});

describe('Consul', () => {
  const started = async (options?: Parameters<typeof startConsul>[0]) => {
    const agent = await startConsul(options);
    onTestFinished(agent.close);
    return agent;
  };

  test('tells instances of a service whose checks all pass, at their address or else their node’s', async () => {
    const { url, services } = await started();
    services.set('user-service', [
      { port: 50051 },
      { address: '10.2.0.2', port: 50052 },
      { address: '10.2.0.3', port: 50053, checks: ['passing', 'warning'] },
      { address: '10.2.0.4', port: 50054, checks: ['critical'] },
      { address: 'fd00::5', port: 50055 },
      { address: '10.2.0.6', port: 0 },
    ]);
    services.set('users', [{ port: 1 }]);
    expect(await lookup(consul({ url }))).toEqual(['10.1.0.1:50051', '10.2.0.2:50052', '[fd00::5]:50055']);
  });

  test('knows of none that were never registered', async () => {
    expect(await lookup(consul(await started()))).toEqual([]);
  });

  test('is asked with a token; one that it does not know, or that may not read, makes it away and is in no message', async () => {
    const { url, services, state } = await started({ token: 'acl-secret' });
    services.set('user-service', [{ port: 50051 }]);
    expect(await lookup(consul({ url, token: 'acl-secret' }))).toEqual(['10.1.0.1:50051']);
    const unknown = await failureOf(lookup(consul({ url, token: 'wrong-secret' })));
    expect(unknown.message).toContain('answered 403');
    state.hides = true;
    const blind = await failureOf(lookup(consul({ url, token: 'acl-secret' })));
    expect(blind.message).toContain('CONSUL_HTTP_TOKEN may not read user-service');
    expect(`${unknown.stack}${blind.stack}`).not.toMatch(/(acl|wrong)-secret/);
  });

  test('is asked over TLS, with an authority of its own', async () => {
    const own = authority();
    const { url, services } = await started({ tls: own.issue('IP:127.0.0.1') });
    services.set('user-service', [{ port: 50051 }]);
    await failureOf(lookup(consul({ url })));
    const folder = mkdtempSync(join(tmpdir(), 'perfect21-ca-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(`${folder}/ca.pem`, own.ca);
    expect(await lookup(consul({ url, ca: `${folder}/ca.pem` }))).toEqual(['10.1.0.1:50051']);
    expect(() => consul({ url, ca: `${folder}/none.pem` })).toThrow(/^CONSUL_CACERT: .* can't be read$/);
  });

  const troubles: Record<string, Trouble> = {
    'that has no leader': { status: 500, body: 'No cluster leader' },
    'that points elsewhere': { status: 307, body: '' },
    'that cuts the connection': 'cut off',
    'that answers no JSON': { status: 200, body: '<html>' },
    'that answers other JSON': { status: 200, body: '{"Node":{}}' },
    'that answers without addresses': { status: 200, body: '[{"Node":{"Address":"a"},"Service":{}}]' },
    'that answers without end': { status: 200, body: ' '.repeat(9 * 1024 * 1024) },
  };
  for (const [name, trouble] of Object.entries(troubles)) {
    test(`is away when it is one ${name}`, async () => {
      const { url, state } = await started();
      state.trouble = trouble;
      expect(await failureOf(lookup(consul({ url })))).toBeInstanceOf(Error);
    });
  }

  for (const trouble of ['silence', 'half an answer'] as const) {
    test(`is away when the time is up: ${trouble}`, async () => {
      const { url, state } = await started();
      state.trouble = trouble;
      await failureOf(consul({ url }).lookup('user-service', AbortSignal.timeout(50)));
    });
  }
});

describe('Cloud Map', () => {
  let map: Awaited<ReturnType<typeof startCloudMap>>;
  beforeEach(async () => {
    map = await startCloudMap('shop.local');
    stubEnvironment(awsEnvironment({ SERVICEDISCOVERY: map.endpoint }));
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await map.close();
  });
  const registry = (namespace = 'shop.local') => {
    const opened = cloudMap({ namespace });
    onTestFinished(() => opened.close?.());
    return opened;
  };
  const at = (host: string, port = '50051') => ({ AWS_INSTANCE_IPV4: host, AWS_INSTANCE_PORT: port });

  test('tells healthy instances of a service by the attributes that ECS registers', async () => {
    const instances: CloudMapInstance[] = [
      { attributes: at('10.0.0.1') },
      { attributes: at('10.0.0.2'), health: 'UNHEALTHY' },
      { attributes: { AWS_INSTANCE_IPV6: 'fd00::3', AWS_INSTANCE_PORT: '50053' } },
      { attributes: { AWS_INSTANCE_IPV4: '10.0.0.4' } },
      { attributes: { AWS_INSTANCE_CNAME: 'example.org', AWS_INSTANCE_PORT: '1' } },
    ];
    map.services.set('user-service', { checked: true, instances });
    expect(await lookup(registry())).toEqual(['10.0.0.1:50051', '[fd00::3]:50053']);
  });

  test('tells the zone that ECS registers, and a weight that somebody gave', async () => {
    const attributes = { ...at('10.0.0.1'), AVAILABILITY_ZONE: 'eu-central-1a', weight: '2' };
    const odd = { ...at('10.0.0.2'), weight: 'heavy' };
    map.services.set('user-service', { checked: true, instances: [{ attributes }, { attributes: odd }] });
    expect(await registry().lookup('user-service', LONG())).toEqual([
      { address: '10.0.0.1:50051', zone: 'eu-central-1a', weight: 2 },
      { address: '10.0.0.2:50051' },
    ]);
  });

  test('tells more than a hundred, and all where health is not checked', async () => {
    const instances = Array.from({ length: 150 }, (_, n) => ({ attributes: at(`10.0.1.${n}`) }));
    map.services.set('user-service', { checked: false, instances });
    expect(await lookup(registry())).toHaveLength(150);
  });

  test('knows of none in a service that nobody made', async () => {
    expect(await lookup(registry())).toEqual([]);
  });

  test('is away without the namespace, in trouble, and when the time is up; it is asked once', async () => {
    expect((await failureOf(lookup(registry('other')))).name).toBe('NamespaceNotFound');
    map.state.trouble = { type: 'RequestLimitExceeded', status: 400 };
    expect((await failureOf(lookup(registry()))).name).toBe('RequestLimitExceeded');
    map.state.trouble = { type: 'InternalFailure', status: 500 };
    await failureOf(lookup(registry()));
    expect(map.state.requests).toBe(3);
    map.state.trouble = 'silence';
    await failureOf(registry().lookup('user-service', AbortSignal.timeout(50)));
  });
});
