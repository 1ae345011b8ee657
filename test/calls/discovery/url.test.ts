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
