/** What `kubectl apply -k infra/kubernetes/overlays/…` would make, held against schemas, kustomize and the contract. */
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IDeployment } from 'kubernetes-models/apps/v1';
import type { IContainer, IEnvVar } from 'kubernetes-models/v1';
import { afterAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { platform } from '../../functions/index.ts';
import { ROOT } from '../../infra/generate/files.ts';
import { containerFaults, containersIn, guarded } from '../../infra/kubernetes/guard.ts';
import { requirePlace } from '../../shared/config/cluster.ts';
import { loadConfig } from '../../shared/config/config.ts';
import { SERVICES } from '../../shared/config/generated/service-names.ts';
import { loadSidecarConfig } from '../../shared/config/sidecar.ts';
import { kustomize } from './kustomize.ts';
import { folderOf, type Manifest, manifestsOf, validate } from './manifests.ts';

const BASE = 'infra/kubernetes/base';
const all = folderOf(BASE);
const names = Object.values(SERVICES);
const of = (kind: string): Manifest[] => all.filter((each) => each.kind === kind);
const the = (kind: string, name: string): Manifest => {
  const found = of(kind).find(({ metadata }) => metadata?.name === name);
  if (!found) throw new Error(`there is no ${kind} ${name}`);
  return found;
};
const podsOf = (manifests: readonly Manifest[]): Manifest[] =>
  manifests.filter(({ kind }) => kind === 'Deployment' || kind === 'Job');
const folder = mkdtempSync(join(tmpdir(), 'perfect21-kustomize-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the manifests', () => {
  test('are what the schemas of Kubernetes allow', async () => {
    expect(all.length).toBeGreaterThan(40);
    for (const manifest of all) await validate(manifest);
    const wrong = structuredClone(the('Deployment', 'auth-service'));
    wrong.spec.template.spec.containers[0].ports[0].containerPort = 'http';
    await expect(validate(wrong)).rejects.toThrow('containerPort');
  });

  test('do not compile with a field that Kubernetes does not know', () => {
    // @ts-expect-error: replica
    const wrong: IDeployment = { apiVersion: 'apps/v1', kind: 'Deployment', spec: { replica: 3 } };
    expect(wrong.kind).toBe('Deployment');
  });

  test('run each service of the table, which starts with what its pod says', () => {
    expect(
      of('Deployment')
        .map(({ metadata }) => metadata!.name)
        .sort(),
    ).toEqual([...names].sort());
    for (const { name } of platform) {
      const [container] = containersIn(the('Deployment', SERVICES[name as keyof typeof SERVICES]));
      const config = loadConfig(environmentIn(container!));
      expect(config).toMatchObject({ services: [name], http: { host: '0.0.0.0' }, bus: { queue_type: 'quorum' } });
      expect(config.discovery).toMatchObject({ registry: 'k8s', namespace: 'perfect21-auth' });
      expect(config.keys.source).toBe(name === 'auth' ? 'file' : 'jwks');
      expect(container!.ports).toMatchObject([
        { name: 'http', containerPort: config.http.port },
        { name: 'grpc', containerPort: 50051 },
        { name: 'metrics', containerPort: 8000 },
      ]);
    }
  });
});

/** The variables of a container as a pod would have them: secrets are something, files are somewhere. */
const environmentIn = ({ env = [] }: IContainer): NodeJS.ProcessEnv => {
  const mounted = join(folder, 'etc');
  mkdirSync(mounted, { recursive: true });
  for (const name of ['ca.crt', 'tls.crt', 'tls.key']) writeFileSync(join(mounted, name), '');
  const secrets: Record<string, string> = {
    STORE_URL: 'postgres://perfect21:x@db.example:5432/perfect21',
    BUS_URL: 'amqps://perfect21@rabbitmq.example',
    PERFECT21_SECRET: Buffer.alloc(32, 'k9').toString('base64'),
    PERFECT21_SERVICE_TOKEN: `p21s_a_${'x'.repeat(43)}`,
    MAIL_URL: 'smtps://mail.example',
  };
  const valueIn = ({ name, value, valueFrom }: IEnvVar): string =>
    valueFrom ? secrets[name]! : (value ?? '').replace('/etc/perfect21/rabbitmq', mounted);
  const inPod = {
    KUBERNETES_SERVICE_HOST: '10.96.0.1',
    MAIL_FROM: 'a@b.example',
    PERFECT21_PUBLIC_URL: 'https://b.example',
    DISCOVERY_URL: 'k8s://perfect21-auth',
  };
  return { ...inPod, ...Object.fromEntries(env.map((each) => [each.name, valueIn(each)])) };
};

describe('Services', () => {
  test.each(names)('%s is found as the architecture document has it', (name) => {
    const port = { 'auth-service': 8080, 'user-service': 8081, 'permission-service': 8082, 'session-service': 8083 };
    const targetPort = port[name as keyof typeof port] ?? 8084;
    const one = the('Service', name);
    expect(one.metadata).toMatchObject({ namespace: 'perfect21-auth', labels: { app: name, version: 'v1' } });
    expect(one.spec).toMatchObject({
      type: 'ClusterIP',
      selector: { app: name },
      ports: [
        { name: 'http', port: 80, targetPort, protocol: 'TCP' },
        { name: 'grpc', port: 50051, targetPort: 50051, protocol: 'TCP' },
      ],
    });
    expect(the('Service', `${name}-headless`).spec).toMatchObject({
      clusterIP: 'None',
      selector: { app: name },
      ports: [{ name: 'grpc', port: 50051, targetPort: 50051 }],
    });
  });
});

describe('pods', () => {
  test('have nothing that Pod Security calls unrestricted, and a root file system that nobody writes to', () => {
    const level = the('Namespace', 'perfect21-auth').metadata?.labels;
    expect(level?.['pod-security.kubernetes.io/enforce']).toBe('restricted');
    for (const { spec } of podsOf(all)) {
      const pod = spec.template.spec;
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      expect(pod).not.toHaveProperty('hostNetwork');
      for (const volume of pod.volumes) expect(volume).not.toHaveProperty('hostPath');
      for (const { securityContext } of pod.containers)
        expect(securityContext).toMatchObject({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
    }
  });

  test('are asked whether they started, are ready and live, and are given time to end', () => {
    for (const { spec } of of('Deployment')) {
      const { terminationGracePeriodSeconds, containers } = spec.template.spec;
      const [{ startupProbe, readinessProbe, livenessProbe, lifecycle, resources }] = containers;
      expect([startupProbe, readinessProbe, livenessProbe].map(({ httpGet }) => httpGet.path)).toEqual([
        '/healthz',
        '/readyz',
        '/healthz',
      ]);
      // out of the Service, then 10 s for events and 5 s for gRPC, with as much to spare
      expect(terminationGracePeriodSeconds).toBeGreaterThanOrEqual(lifecycle.preStop.sleep.seconds + 2 * 15);
      expect(resources).toMatchObject({ requests: { cpu: expect.any(String), memory: expect.any(String) } });
      expect(resources.limits.memory).toBeDefined();
    }
  });

  test('hold secrets by reference, and only auth the keys that sign', () => {
    for (const { metadata, spec } of of('Deployment')) {
      const { volumes } = spec.template.spec;
      const mounted = volumes.flatMap(({ secret }: any) => (secret ? [secret.secretName] : []));
      expect(mounted.includes('perfect21-signing-keys')).toBe(metadata!.name === 'auth-service');
    }
    expect(of('Secret')).toEqual([]);
  });

  test('may be moved one at a time, stand apart, and grow with their work', () => {
    for (const name of names) {
      expect(the('PodDisruptionBudget', name).spec).toMatchObject({ maxUnavailable: 1 });
      expect(the('HorizontalPodAutoscaler', name).spec).toMatchObject({ minReplicas: 2, maxReplicas: 10 });
      const { spec } = the('Deployment', name);
      expect(spec).not.toHaveProperty('replicas');
      expect(spec.strategy.rollingUpdate.maxUnavailable).toBe(0);
      const keys = spec.template.spec.topologySpreadConstraints.map((each: any) => each.topologyKey);
      expect(keys).toEqual(['kubernetes.io/hostname', 'topology.kubernetes.io/zone']);
    }
  });
});

describe('rights', () => {
  test('are to find the other services, and nothing else', () => {
    expect(of('Role').map(({ rules }) => rules)).toEqual([
      [{ apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] }],
    ]);
    expect(of('ClusterRole').length + of('ClusterRoleBinding').length).toBe(0);
    const [binding] = of('RoleBinding');
    expect((binding!.subjects as { name: string }[]).map(({ name }) => name).sort()).toEqual([...names].sort());
    expect(the('Job', 'migration-0-1-0').spec.template.spec.automountServiceAccountToken).toBe(false);
  });

  test('of the network: nobody talks to anybody who is not named', () => {
    const { spec } = the('NetworkPolicy', 'default-deny');
    expect(spec).toEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
    const chosen = of('NetworkPolicy').map((each) => each.spec.podSelector.matchLabels?.app);
    for (const { spec: pods } of podsOf(all)) expect(chosen).toContain(pods.template.metadata.labels.app);
    for (const name of names)
      for (const rule of the('NetworkPolicy', name).spec.ingress) expect(rule.from.length).toBeGreaterThan(0);
  });
});

describe('kustomize builds', () => {
  test.each(['production', 'trial'])('%s', async (place) => {
    const built = kustomize(`infra/kubernetes/overlays/${place}`);
    for (const manifest of built) await validate(manifest);
    expect(guarded(built)).toBe(built);
    const scalers = built.filter(({ kind }) => kind === 'HorizontalPodAutoscaler').map(({ spec }) => spec.minReplicas);
    expect(new Set(scalers)).toEqual(new Set([place === 'production' ? 3 : 1]));
    const settings = built.find(({ kind, metadata }) => kind === 'ConfigMap' && /^perfect21-/.test(metadata!.name));
    expect(settings!.data).toMatchObject({ PERFECT21_PUBLIC_URL: expect.stringMatching(/^https:/) });
    for (const each of podsOf(built).filter(({ metadata }) => names.includes(metadata!.name as never)))
      expect(containersIn(each)[0]!.envFrom).toEqual([{ configMapRef: { name: settings!.metadata!.name } }]);
  });

  test('an application of somebody else with the sidecar, where it asks for it', async () => {
    cpSync(join(ROOT, 'infra/kubernetes/components/sidecar'), join(folder, 'sidecar'), { recursive: true });
    const app = join(folder, 'app');
    mkdirSync(app);
    const deployment = (name: string, labels: object) => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, labels },
      spec: {
        selector: { matchLabels: { app: name } },
        template: { metadata: { labels: { app: name } }, spec: { containers: [{ name, image: 'shop:1.0.0' }] } },
      },
    });
    const both = [deployment('shop', { 'perfect21.io/sidecar': 'true' }), deployment('other', {})];
    writeFileSync(join(app, 'apps.yaml'), both.map((each) => stringify(each)).join('---\n'));
    writeFileSync(join(app, 'kustomization.yaml'), stringify({ resources: ['apps.yaml'], components: ['../sidecar'] }));
    const built = kustomize(app);
    for (const manifest of built) await validate(manifest);
    const [other, shop] = ['other', 'shop'].map((name) => built.find(({ metadata }) => metadata?.name === name)!);
    expect(containersIn(other).map(({ name }) => name)).toEqual(['other']);
    const [sidecar] = containersIn(shop).filter(({ name }) => name === 'perfect21-sidecar');
    // it starts before the service and ends after it
    expect(sidecar).toMatchObject({ restartPolicy: 'Always', startupProbe: { httpGet: { path: '/readyz' } } });
    const { sidecar: read } = loadSidecarConfig(environmentIn(sidecar!));
    expect(read.feed).toEqual({
      over: 'grpc',
      address: 'session-service-headless.perfect21-auth.svc.cluster.local:50051',
      tls: false,
    });
  });
});

describe('what no cluster can have is refused in one line', () => {
  const container = (more: Partial<IContainer>): IContainer => ({ name: 'x', image: 'x:1.2.3', ...more });
  test.each([
    [{ image: 'perfect21/platform:latest' }, /is not always the same/],
    [{ image: 'grafana/grafana:11.4' }, /is not always the same/],
    [{ image: 'rabbitmq:4-management' }, /is not always the same/],
    [{ image: 'docker.io/library/postgres:17' }, /is not always the same/],
    [{ image: 'otel/opentelemetry-collector:main' }, /is not always the same/],
    [{ image: 'x@sha256:abc' }, /has no tag/],
    [{ image: 'registry.example:5000/perfect21' }, /has no tag/],
    [{ env: [{ name: 'STORE_URL', value: 'postgres://127.0.0.1/x' }] }, /STORE_URL leads to the container itself/],
    [{ env: [{ name: 'DISCOVERY_URL', value: 'static:auth=localhost:1' }] }, /leads to the container itself/],
    [{ env: [{ name: 'BUS_URL', value: 'amqp://guest:guest@rabbitmq' }] }, /BUS_URL is a secret in plain text/],
    [{ env: [{ name: 'PERFECT21_SECRET', value: 'x' }] }, /PERFECT21_SECRET is a secret in plain text/],
  ] satisfies [Partial<IContainer>, RegExp][])('%j', (more, line) => {
    const faults = containerFaults(container(more));
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(line);
    expect(() => guarded([{ spec: { containers: [container(more)] } }])).toThrow(line);
  });

  test('images by digest, registries with a port, and files are none of these', () => {
    const digest = `x@sha256:${'0'.repeat(64)}`;
    for (const image of [
      digest,
      'registry.example:5000/x:1.2.3',
      'prom/prometheus:v2.53.3',
      'postgres:17.11-bookworm',
      'x:1.2.3-alpine3.22',
    ])
      expect(containerFaults(container({ image, env: [{ name: 'RABBITMQ_KEY', value: '/etc/tls.key' }] }))).toEqual([]);
    expect(() => guarded([{ kind: 'Secret' }])).toThrow('a Secret stands in no file');
  });

  test.each([
    [{ STORE_URL: 'postgres://x@localhost/x' }, 'STORE_URL leads to this pod itself'],
    [{ PERFECT21_PUBLIC_URL: 'http://127.0.0.1:8080' }, 'PERFECT21_PUBLIC_URL leads to this pod itself'],
    [{ BUS_URL: 'amqp://guest:guest@rabbitmq' }, 'BUS_URL has a password that everybody knows'],
  ] satisfies [Record<string, string>, string][])('at the start: %j', (env, line) => {
    const pod = { KUBERNETES_SERVICE_HOST: '10.0.0.1', NODE_ENV: 'production' };
    const secret = { PERFECT21_SECRET: Buffer.alloc(32, 'k9').toString('base64') };
    const start = (place: Record<string, string>) => () =>
      requirePlace(loadConfig({ ...place, ...secret, ...env }).env);
    expect(start(pod)).toThrow(line);
    expect(start({})).not.toThrow();
  });
});

test('a key that Kubernetes mounts for the group of a pod is taken, one that others may read is not', async () => {
  const { readPrivateFile } = await import('../../shared/keys/private-file.ts');
  const file = join(folder, 'key.json');
  writeFileSync(file, generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const modes: Record<string, number> = { '400': 0o400, '440': 0o440, '444': 0o444, '460': 0o460 };
  const taken = Object.entries(modes).map(([name, mode]) => {
    chmodSync(file, mode);
    const own = process.getuid;
    // as a process that is not root
    process.getuid = () => 65_532;
    try {
      return [name, readPrivateFile(file) !== undefined];
    } catch {
      return [name, false];
    } finally {
      process.getuid = own!;
    }
  });
  const byRoot = process.getuid?.() === 0;
  expect(Object.fromEntries(taken)).toEqual({ '400': true, '440': byRoot, '444': false, '460': false });
});

test('what is committed is what the generator writes', () => {
  expect(manifestsOf(`${BASE}/kustomization.yaml`)[0]!.resources).toEqual(
    expect.arrayContaining(names.map((name) => `${name}.yaml`)),
  );
});
