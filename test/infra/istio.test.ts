/** The mesh: the numbers of the architecture document (4.1), where Istio's API has them today. */

import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IDestinationRule } from '@kubernetes-models/istio/networking.istio.io/v1';
import { afterAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { platform } from '../../functions/index.ts';
import { ROOT } from '../../infra/generate/files.ts';
import { patternOf, routesOf } from '../../infra/generate/routes.ts';
import { loadConfig } from '../../shared/config/config.ts';
import { SERVICES } from '../../shared/config/generated/service-names.ts';
import { kustomize } from './kustomize.ts';
import { folderOf, type Manifest, manifestsOf, validate } from './manifests.ts';

const MESH = 'infra/istio/mesh';
const all = folderOf(MESH);
const names = Object.values(SERVICES);
const the = (kind: string, name: string, among: readonly Manifest[] = all): Manifest => {
  const found = among.find((each) => each.kind === kind && each.metadata?.name === name);
  if (!found) throw new Error(`there is no ${kind} ${name}`);
  return found;
};
const folder = mkdtempSync(join(tmpdir(), 'perfect21-mesh-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('what is there is what the schemas of Istio allow', async () => {
  for (const manifest of [...all, ...folderOf('infra/istio/application')]) await validate(manifest);
  const wrong = structuredClone(the('DestinationRule', 'auth-service-dr'));
  wrong.spec.trafficPolicy.tls.mode = 'ISTIO';
  await expect(validate(wrong)).rejects.toThrow('mode');
});

test('no duration is shorter than a millisecond: rules of the resource that no schema tells refuse it', () => {
  const manifests = [MESH, 'infra/istio/application', 'infra/istio/faults'].flatMap(folderOf);
  for (const manifest of manifests) expect(JSON.stringify(manifest)).not.toMatch(/"0(ns|us|ms|s|m|h)?"/);
});

test('the fields that the document has in the wrong place do not compile', () => {
  const wrong: IDestinationRule = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    // @ts-expect-error: of outlier detection
    spec: { trafficPolicy: { connectionPool: { http: { consecutiveGatewayErrors: 5 } } } },
  };
  expect(wrong.kind).toBe('DestinationRule');
});

describe.each(names)('%s', (name) => {
  const host = `${name}.perfect21-auth.svc.cluster.local`;

  test('gRPC is told by its content type: three tries of a second; HTTP has thirty', () => {
    const { metadata, spec } = the('VirtualService', `${name}-vs`);
    expect(metadata?.namespace).toBe('perfect21-auth');
    expect(spec.hosts).toEqual([host]);
    const [grpc] = spec.http;
    expect(grpc).toMatchObject({
      match: [{ headers: { 'content-type': { regex: 'application/grpc.*' } } }],
      route: [{ destination: { host, port: { number: 50051 } }, weight: 100 }],
      retries: { attempts: 3, perTryTimeout: '1s' },
    });
    expect(spec.http.at(-1)).toMatchObject({
      route: [{ destination: { host, port: { number: 80 } }, weight: 100 }],
      timeout: '30s',
    });
    expect(JSON.stringify(spec)).not.toContain('fault');
  });

  test('a circuit breaks and pools are bounded as in the document, ejection in outlier detection', () => {
    const { host: of, trafficPolicy } = the('DestinationRule', `${name}-dr`).spec;
    expect(of).toBe(host);
    expect(trafficPolicy).toMatchObject({
      connectionPool: {
        tcp: { maxConnections: 100 },
        http: { http1MaxPendingRequests: 50, http2MaxRequests: 100, maxRequestsPerConnection: 10, maxRetries: 3 },
      },
      loadBalancer: { consistentHash: { httpHeaderName: 'user-id' } },
      outlierDetection: {
        consecutive5xxErrors: 3,
        consecutiveGatewayErrors: 5,
        interval: '30s',
        baseEjectionTime: '30s',
        maxEjectionPercent: 50,
      },
      tls: { mode: 'ISTIO_MUTUAL' },
    });
    // a connection of gRPC lives on
    const [grpc] = trafficPolicy.portLevelSettings;
    expect(grpc.port.number).toBe(50051);
    expect(grpc.connectionPool.http).toEqual({ http1MaxPendingRequests: 50, http2MaxRequests: 100, maxRetries: 3 });
    expect(grpc.outlierDetection).toEqual(trafficPolicy.outlierDetection);
  });

  test('talks to nobody without an identity of the mesh', () => {
    const { action, rules } = the('AuthorizationPolicy', name).spec;
    expect(action).toBe('ALLOW');
    expect(rules).toHaveLength(1);
    expect(rules[0].from).toEqual([{ source: { principals: ['*'] } }]);
  });
});

test('plain connections are refused everywhere', () => {
  expect(the('PeerAuthentication', 'default').spec).toEqual({ mtls: { mode: 'STRICT' } });
});

describe('requests from outside', () => {
  const routes = routesOf(platform);
  const rules: { match: { uri: { regex: string } }[]; timeout?: string; route: any[] }[] = the(
    'VirtualService',
    'perfect21',
  ).spec.http;
  const answer = (path: string) => {
    const rule = rules.find(({ match }) => match.some(({ uri }) => new RegExp(`^(?:${uri.regex})$`).test(path)));
    return rule && { host: rule.route[0].destination.host.split('.')[0], timeout: rule.timeout };
  };

  test('reach the service whose operation they are for, and streams are not cut', () => {
    for (const { path, service, streams } of routes) {
      const asked = path.replace(/\{[^}]+\}/g, '0b5e');
      expect([asked, answer(asked)]).toEqual([
        asked,
        { host: SERVICES[service], timeout: streams ? undefined : '30s' },
      ]);
    }
    expect(answer('/ws')).toEqual({ host: 'notification-service', timeout: undefined });
    expect(answer('/docs/swagger-ui.css')?.host).toBe('auth-service');
  });

  test('reach nothing else', () => {
    for (const path of [
      '/',
      '/metrics',
      '/readyz',
      '/api/v1',
      '/api/v1/users/a/b/c',
      '/perfect21.auth.AuthService/ValidateToken',
    ])
      expect(answer(path)).toBeUndefined();
    expect(patternOf('/.well-known/jwks.json')).toBe('/\\.well-known/jwks\\.json');
  });
});

describe('kustomize builds', () => {
  const mesh = kustomize('infra/kubernetes/overlays/mesh');

  test('the platform in the mesh, which finds its services by their names', async () => {
    for (const manifest of mesh) await validate(manifest);
    expect(the('Namespace', 'perfect21-auth', mesh).metadata?.labels).toMatchObject({
      'istio-injection': 'enabled',
      'pod-security.kubernetes.io/enforce': 'restricted',
    });
    const [settings] = mesh.filter(({ kind }) => kind === 'ConfigMap');
    const { DISCOVERY_URL } = settings!.data as Record<string, string>;
    const { discovery } = loadConfig({ DISCOVERY_URL });
    expect(discovery).toMatchObject({ registry: 'static' });
    expect(Object.keys((discovery as { addresses: object }).addresses).sort()).toEqual([...names].sort());
  });

  test('faults for tests, and for nothing else', () => {
    const faulty = kustomize('infra/kubernetes/overlays/mesh-faults');
    for (const name of names) {
      const [grpc] = the('VirtualService', `${name}-vs`, faulty).spec.http;
      expect(grpc.fault).toEqual({ delay: { percentage: { value: 0.1 }, fixedDelay: '5s' } });
    }
    expect(JSON.stringify(mesh)).not.toContain('fixedDelay');
  });

  test('an application whose requests the sidecar decides, by tokens of ours', async () => {
    for (const part of ['infra/istio/application', 'infra/kubernetes/components/sidecar'])
      cpSync(join(ROOT, part), join(folder, part), { recursive: true });
    const app = join(folder, 'app');
    mkdirSync(app);
    writeFileSync(
      join(app, 'kustomization.yaml'),
      stringify({ namespace: 'shop', components: ['../infra/istio/application'] }),
    );
    const built = kustomize(app);
    for (const manifest of built) await validate(manifest);
    const label = { matchLabels: { 'perfect21.io/sidecar': 'true' } };
    expect(the('RequestAuthentication', 'perfect21', built)).toMatchObject({
      metadata: { namespace: 'shop' },
      spec: {
        selector: label,
        jwtRules: [
          {
            audiences: ['perfect21'],
            jwksUri: 'http://auth-service.perfect21-auth.svc.cluster.local/.well-known/jwks.json',
          },
        ],
      },
    });
    const { provider, action, selector } = the('AuthorizationPolicy', 'perfect21', built).spec;
    expect({ action, selector }).toEqual({ action: 'CUSTOM', selector: label });
    // the provider's service is the sidecar of the same pod, and nothing opens when it fails
    const [values] = manifestsOf('infra/istio/mesh-config/values.yaml');
    const { extensionProviders } = values!.meshConfig as {
      extensionProviders: { name: string; envoyExtAuthzGrpc: any }[];
    };
    const { envoyExtAuthzGrpc } = extensionProviders.find(({ name }) => name === provider.name)!;
    expect(envoyExtAuthzGrpc).toMatchObject({ port: 50052, failOpen: false, statusOnError: '503' });
    const { spec } = the('ServiceEntry', 'perfect21-sidecar', built);
    expect(spec).toMatchObject({ hosts: [envoyExtAuthzGrpc.service], endpoints: [{ address: '127.0.0.1' }] });
  });
});
