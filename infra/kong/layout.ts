/** Kong as a component of infra/kubernetes: a Deployment with the sidecar beside it, and the Service `gateway`. */
import type { IDeployment } from 'kubernetes-models/apps/v1';
import type { INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import type { IContainer, IEnvVar, IService } from 'kubernetes-models/v1';
import type { Service } from '../../shared/kit/service.ts';
import { GATEWAY, GATEWAYS, hostOf, labelsOf, NAMESPACE, selectorOf } from '../kubernetes/cluster.ts';
import { guarded } from '../kubernetes/guard.ts';
import { component, type Layout } from '../kubernetes/layout.ts';
import { LIFECYCLE, podOf, RESTRICTED, resources, spread, text } from '../kubernetes/pod.ts';
import { sidecarContainer } from '../kubernetes/sidecar.ts';
import { accountOf, budgetOf, scalerOf } from '../kubernetes/workloads.ts';
import { kongOf } from './kong.ts';

const IMAGE = 'kong:3.9.3';
const PORTS = { proxy: 8000, status: 8100 };
const FILE = '/etc/kong/kong.yml';

const container: IContainer = {
  name: 'kong',
  image: IMAGE,
  imagePullPolicy: 'IfNotPresent',
  ports: [
    { name: 'proxy', containerPort: PORTS.proxy },
    { name: 'status', containerPort: PORTS.status },
  ],
  env: [
    text('KONG_DATABASE', 'off'),
    text('KONG_DECLARATIVE_CONFIG', FILE),
    text('KONG_PREFIX', '/kong'),
    text('KONG_ADMIN_LISTEN', 'off'),
    text('KONG_PROXY_LISTEN', `0.0.0.0:${PORTS.proxy} http2 reuseport`),
    text('KONG_STATUS_LISTEN', `0.0.0.0:${PORTS.status}`),
    text('KONG_UNTRUSTED_LUA_SANDBOX_REQUIRES', 'resty.http'),
    text('KONG_PROXY_ACCESS_LOG', '/dev/stdout'),
    text('KONG_PROXY_ERROR_LOG', '/dev/stderr'),
  ],
  startupProbe: { httpGet: { path: '/status', port: 'status' }, periodSeconds: 1, failureThreshold: 60 },
  readinessProbe: { httpGet: { path: '/status/ready', port: 'status' }, periodSeconds: 5, failureThreshold: 2 },
  livenessProbe: { httpGet: { path: '/status', port: 'status' }, periodSeconds: 10, failureThreshold: 3 },
  lifecycle: LIFECYCLE,
  resources: resources(250, 256, 1024),
  securityContext: RESTRICTED,
  volumeMounts: [
    { name: 'data', mountPath: '/kong' },
    { name: 'tmp', mountPath: '/tmp' },
    { name: 'config', mountPath: '/etc/kong', readOnly: true },
  ],
};

/** Keys and revocations only: it need not wait for the gateway, which it is part of. */
const verifier: IContainer = {
  ...sidecarContainer,
  env: (sidecarContainer.env ?? []).map(
    (each): IEnvVar => (each.name === 'SIDECAR_ORIGIN' ? text(each.name, `http://${hostOf('auth')}`) : each),
  ),
};

const deployment: IDeployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: GATEWAY, namespace: NAMESPACE, labels: labelsOf(GATEWAY) },
  spec: {
    selector: { matchLabels: selectorOf(GATEWAY) },
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    template: {
      metadata: { labels: labelsOf(GATEWAY) },
      spec: podOf(GATEWAY, {
        initContainers: [verifier],
        containers: [container],
        volumes: [
          { name: 'tmp', emptyDir: { sizeLimit: '64Mi' } },
          { name: 'config', configMap: { name: 'kong' } },
        ],
        topologySpreadConstraints: spread(GATEWAY),
      }),
    },
  },
};

const service: IService = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: GATEWAY, namespace: NAMESPACE, labels: labelsOf(GATEWAY) },
  spec: {
    type: 'ClusterIP',
    selector: selectorOf(GATEWAY),
    ports: [{ name: 'http', port: 80, targetPort: PORTS.proxy, protocol: 'TCP' }],
  },
};

/** Whoever ends TLS in front, and sidecars elsewhere, come in; it goes out to the services. */
const network: INetworkPolicy = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: GATEWAY, namespace: NAMESPACE, labels: labelsOf(GATEWAY) },
  spec: {
    podSelector: { matchLabels: selectorOf(GATEWAY) },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [
      {
        from: [
          { namespaceSelector: { matchLabels: { [GATEWAYS]: 'true' } } },
          { namespaceSelector: { matchLabels: { 'perfect21.io/client': 'true' } } },
        ],
        ports: [{ protocol: 'TCP', port: PORTS.proxy }],
      },
    ],
    egress: [{ to: [{ podSelector: { matchLabels: { 'app.kubernetes.io/part-of': 'perfect21' } } }] }],
  },
};

export const layoutOf = (platform: readonly Service[]): Layout => ({
  'gateway.yaml': guarded([deployment, service, accountOf(GATEWAY), budgetOf(GATEWAY), scalerOf(GATEWAY), network]),
  'kong.yml': [kongOf(platform)],
  'kustomization.yaml': [
    component({ resources: ['gateway.yaml'], configMapGenerator: [{ name: 'kong', files: ['kong.yml'] }] }),
  ],
});
