import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../../shared/config/config.ts';
import { StartError } from '../../../shared/config/start-error.ts';

const discovery = (DISCOVERY_URL: string, more: NodeJS.ProcessEnv = {}) =>
  loadConfig({ DISCOVERY_URL, ...more }).discovery;
const pod = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '6443' };

describe('DISCOVERY_URL', () => {
  test('lists addresses, several of one service by its name again', () => {
    const list = 'static:auth=localhost:50051,users=10.0.0.7:1, users=[::1]:2,';
    expect(discovery(list)).toEqual({
      registry: 'static',
      addresses: { 'auth-service': ['localhost:50051'], 'user-service': ['10.0.0.7:1', '[::1]:2'] },
    });
  });

  test('left out knows of no addresses', () => {
    expect(loadConfig({}).discovery).toEqual({ registry: 'static', addresses: {} });
  });

  test('names a namespace of Kubernetes, whose API server the pod knows', () => {
    expect(discovery('k8s://shop', pod)).toEqual({
      registry: 'k8s',
      namespace: 'shop',
      api: 'https://10.96.0.1:6443',
    });
    expect(discovery('k8s://shop', { KUBERNETES_SERVICE_HOST: 'fd00::1' })).toMatchObject({
      api: 'https://[fd00::1]:443',
    });
  });

  test('names an agent of Consul; Consul’s own variables say token and TLS', () => {
    expect(discovery('consul://consul:8500')).toEqual({ registry: 'consul', url: 'http://consul:8500' });
    const own = { CONSUL_HTTP_TOKEN: 't', CONSUL_HTTP_SSL: 'true', CONSUL_CACERT: '/ca.pem' };
    expect(discovery('consul://[::1]:8501', own)).toEqual({
      registry: 'consul',
      url: 'https://[::1]:8501',
      token: 't',
      ca: '/ca.pem',
    });
  });

  test('names a domain of DNS, a port where it has no SRV records, and DISCOVERY_DNS_SERVER who is asked', () => {
    expect(discovery('dns://shop.svc.cluster.local')).toEqual({ registry: 'dns', domain: 'shop.svc.cluster.local' });
    const server = { DISCOVERY_DNS_SERVER: '10.0.0.2:8600' };
    expect(discovery('dns://service.consul:50051', server)).toEqual({
      registry: 'dns',
      domain: 'service.consul',
      port: 50_051,
      server: '10.0.0.2:8600',
    });
    expect(() => discovery('dns://shop', { DISCOVERY_DNS_SERVER: 'ns.example' })).toThrow(/^DISCOVERY_DNS_SERVER/);
  });

  test('names a namespace of Cloud Map', () => {
    expect(discovery('cloudmap://shop.local')).toEqual({ registry: 'cloudmap', namespace: 'shop.local' });
  });

  const malformed = [
    'users=localhost:1',
    'static:users',
    'static:users=localhost',
    'static:users=localhost:65536',
    'static:users=http://localhost:1',
    'static:user=localhost:1',
    'eureka://host:1',
    'dns://',
    'dns://:50051',
    'dns://shop:0',
    'dns://shop:65536',
    'dns://-shop',
    'dns://shop..local',
    'k8s://',
    'k8s:shop',
    'k8s://Shop',
    'k8s://shop/users',
    'consul://',
    'consul://consul',
    'consul://consul:99999',
    'consul://token:secret@consul:8500',
    'consul://consul:8500?token=secret',
    'cloudmap://',
    'cloudmap://a/b',
  ];
  for (const url of malformed) {
    test(`that says ${url} stops the start with one line, which repeats no password`, () => {
      let line = '';
      try {
        discovery(url, pod);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(StartError);
        line = (thrown as Error).message;
      }
      expect(line).toMatch(/^DISCOVERY_URL[^\n]*$/);
      expect(line).not.toContain('secret');
    });
  }

  test('that names Kubernetes outside of a pod stops the start', () => {
    expect(() => discovery('k8s://shop')).toThrow(/^DISCOVERY_URL: k8s:\/\/ is for pods/);
  });
});

test('DISCOVERY_POLICY is round_robin unless it says another one that there is', () => {
  expect(loadConfig({}).env.DISCOVERY_POLICY).toBe('round_robin');
  expect(loadConfig({ DISCOVERY_POLICY: 'consistent_hash' }).env.DISCOVERY_POLICY).toBe('consistent_hash');
  expect(() => loadConfig({ DISCOVERY_POLICY: 'best' })).toThrow(/^DISCOVERY_POLICY is not usable/);
});

describe('DISCOVERY_REGISTER', () => {
  const registration = (more: NodeJS.ProcessEnv) =>
    loadConfig({ DISCOVERY_URL: 'consul://consul:8500', ...more }).registration;

  test('left out registers nowhere', () => {
    expect(registration({})).toBeUndefined();
  });

  test('registers what listens where it listens, or where it says that it is reached', () => {
    expect(registration({ DISCOVERY_REGISTER: 'ttl', PERFECT21_HTTP_HOST: '10.0.0.7' })).toEqual({
      check: 'ttl',
      host: '10.0.0.7',
      weight: 1,
    });
    const more = { DISCOVERY_ZONE: 'eu-1a', DISCOVERY_WEIGHT: '3', PERFECT21_HTTP_HOST: '0.0.0.0' };
    for (const [place, said] of [
      ['auth-7.internal', { host: 'auth-7.internal' }],
      ['10.0.0.7:32768', { host: '10.0.0.7', port: 32_768 }],
      ['[fd00::7]:1', { host: 'fd00::7', port: 1 }],
      ['fd00::7', { host: 'fd00::7' }],
    ] as const)
      expect(registration({ DISCOVERY_REGISTER: 'grpc', DISCOVERY_ADVERTISE: place, ...more })).toEqual({
        check: 'grpc',
        ...said,
        zone: 'eu-1a',
        weight: 3,
      });
  });

  test('stops the start with one line where nobody could reach the process, or nobody registers it', () => {
    const ttl = { DISCOVERY_REGISTER: 'ttl' };
    expect(() => registration({ ...ttl, PERFECT21_HTTP_HOST: '0.0.0.0' })).toThrow(/^DISCOVERY_ADVERTISE is missing/);
    for (const place of ['0.0.0.0', ':50051', 'http://a', 'a:99999', 'a:b:c', 'user@a'])
      expect(() => registration({ ...ttl, DISCOVERY_ADVERTISE: place })).toThrow(/^DISCOVERY_ADVERTISE is no address/);
    expect(() => loadConfig(ttl)).toThrow(/^DISCOVERY_REGISTER is for consul/);
    const mtls = {
      PERFECT21_TLS_CERT: '/c',
      PERFECT21_TLS_KEY: '/k',
      PERFECT21_TLS_CA: '/a',
      PERFECT21_TLS_CLIENT_AUTH: 'require',
    };
    expect(() => registration({ ...mtls, DISCOVERY_REGISTER: 'grpc' })).toThrow(/^DISCOVERY_REGISTER=grpc/);
    expect(registration({ ...mtls, ...ttl })).toMatchObject({ check: 'ttl' });
  });
});
