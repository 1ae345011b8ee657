/** A Deployment for each service of the table, with all that stands around it. */
import type { IDeployment } from 'kubernetes-models/apps/v1';
import type { IHorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2';
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1';
import type { IContainer, IEnvVar, IService, IServiceAccount, IVolume } from 'kubernetes-models/v1';
import type { ServiceName } from '../../shared/config/services.ts';
import type { Service } from '../../shared/kit/service.ts';
import { portsReached } from '../../shared/process/host.ts';
import {
  FILES,
  httpPortOf,
  imageOf,
  labelsOf,
  MONITORING,
  NAMESPACE,
  nameOf,
  PORTS,
  SERVICE_HTTP_PORT,
  selectorOf,
} from './cluster.ts';
import { DATA, LIFECYCLE, podOf, probesOf, RESTRICTED, resources, secret, spread, text } from './pod.ts';

/** What a service needs in this place; follows from what its operations reach. */
export interface Needs {
  /** It signs tokens: it alone has the keys. */
  signs: boolean;
  /** It sends mails. */
  sends: boolean;
  /** It hashes passwords, 19 MiB and a thread each. */
  hashes: boolean;
}

export const needsOf = ({ name, operations }: Service): Needs => {
  const reached = portsReached(operations, [name]);
  return { signs: reached.has('tokens'), sends: reached.has('mailer'), hashes: reached.has('passwords') };
};

/** The variables of a process of the platform, beside those in the ConfigMap `perfect21`. */
export const environmentOf = (service: ServiceName, { signs, sends }: Needs): IEnvVar[] => [
  text('NODE_ENV', 'production'),
  text('PERFECT21_SERVICES', service),
  text('PERFECT21_HTTP_HOST', '0.0.0.0'),
  text('PERFECT21_HTTP_PORT', httpPortOf(service)),
  text('PERFECT21_GRPC_PORT', PORTS.grpc),
  text('PERFECT21_METRICS_HOST', '0.0.0.0'),
  text('PERFECT21_METRICS_PORT', PORTS.metrics),
  text('PERFECT21_DATA_DIR', DATA),
  // who does not sign verifies with what auth publishes, and holds no key
  text(
    'KEYS_URL',
    signs ? `file:${FILES.keys.folder}/${FILES.keys.file}` : `http://${nameOf('auth')}/.well-known/jwks.json`,
  ),
  text('RABBITMQ_QUEUE_TYPE', 'quorum'),
  text('RABBITMQ_CA', `${FILES.rabbitmq.folder}/ca.crt`),
  text('RABBITMQ_CERT', `${FILES.rabbitmq.folder}/tls.crt`),
  text('RABBITMQ_KEY', `${FILES.rabbitmq.folder}/tls.key`),
  text('OTEL_EXPORTER_OTLP_ENDPOINT', `http://otel-collector.${MONITORING}:4318`),
  text('OTEL_SERVICE_NAME', nameOf(service)),
  secret('PERFECT21_SECRET', 'secret'),
  secret('PERFECT21_SERVICE_TOKEN', 'serviceToken'),
  secret('STORE_URL', 'store'),
  secret('BUS_URL', 'bus'),
  ...(sends ? [secret('MAIL_URL', 'mail')] : []),
];

const mounted = (name: string, { secret: secretName }: { secret: string }): IVolume => ({
  name,
  // 0400 of root, to which Kubernetes adds the right of the pod's group
  secret: { secretName, defaultMode: 0o400 },
});

export const volumesOf = ({ signs }: Needs): IVolume[] => [
  mounted('rabbitmq', FILES.rabbitmq),
  ...(signs ? [mounted('keys', FILES.keys)] : []),
];

const containerOf = (service: ServiceName, needs: Needs): IContainer => ({
  name: nameOf(service),
  image: imageOf('platform'),
  imagePullPolicy: 'IfNotPresent',
  ports: [
    { name: 'http', containerPort: httpPortOf(service) },
    { name: 'grpc', containerPort: PORTS.grpc },
    { name: 'metrics', containerPort: PORTS.metrics },
  ],
  envFrom: [{ configMapRef: { name: 'perfect21' } }],
  env: environmentOf(service, needs),
  ...probesOf('http'),
  lifecycle: LIFECYCLE,
  resources: needs.hashes ? resources(500, 384, 1024) : resources(250, 256, 512),
  securityContext: RESTRICTED,
  volumeMounts: [
    { name: 'data', mountPath: DATA },
    { name: 'rabbitmq', mountPath: FILES.rabbitmq.folder, readOnly: true },
    ...(needs.signs ? [{ name: 'keys', mountPath: FILES.keys.folder, readOnly: true }] : []),
  ],
});

/** Prometheus finds them by these, where it looks for annotations. */
const scraped = (port: number) => ({
  'prometheus.io/scrape': 'true',
  'prometheus.io/port': String(port),
  'prometheus.io/path': '/metrics',
});

/** No `replicas`: the autoscaler says how many, and `kubectl apply` must not say otherwise. */
export const deploymentOf = (service: ServiceName, needs: Needs): IDeployment => {
  const app = nameOf(service);
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: app, namespace: NAMESPACE, labels: labelsOf(app) },
    spec: {
      revisionHistoryLimit: 5,
      selector: { matchLabels: selectorOf(app) },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: {
        metadata: { labels: labelsOf(app), annotations: scraped(PORTS.metrics) },
        spec: podOf(app, {
          // the EndpointSlices of the others
          reads: true,
          containers: [containerOf(service, needs)],
          volumes: volumesOf(needs),
          topologySpreadConstraints: spread(app),
        }),
      },
    },
  };
};

/** As the architecture document has them: one address for HTTP and gRPC, and the pods themselves for clients that balance. */
export const servicesOf = (service: ServiceName): IService[] => {
  const app = nameOf(service);
  const grpc = {
    name: 'grpc',
    port: PORTS.grpc,
    targetPort: PORTS.grpc,
    protocol: 'TCP',
    appProtocol: 'grpc',
  } as const;
  const http = { name: 'http', port: SERVICE_HTTP_PORT, targetPort: httpPortOf(service), protocol: 'TCP' } as const;
  const of = (name: string, spec: IService['spec']): IService => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: NAMESPACE, labels: labelsOf(app) },
    spec: { selector: selectorOf(app), ...spec },
  });
  return [
    of(app, { type: 'ClusterIP', ports: [http, grpc] }),
    of(`${app}-headless`, { clusterIP: 'None', ports: [grpc] }),
  ];
};

export const accountOf = (app: string): IServiceAccount => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name: app, namespace: NAMESPACE, labels: labelsOf(app) },
  automountServiceAccountToken: false,
});

export const budgetOf = (app: string): IPodDisruptionBudget => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: app, namespace: NAMESPACE, labels: labelsOf(app) },
  spec: { maxUnavailable: 1, selector: { matchLabels: selectorOf(app) }, unhealthyPodEvictionPolicy: 'AlwaysAllow' },
});

/** Grows at once, shrinks after five quiet minutes. */
export const scalerOf = (app: string, [minReplicas, maxReplicas] = [2, 10]): IHorizontalPodAutoscaler => ({
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: app, namespace: NAMESPACE, labels: labelsOf(app) },
  spec: {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: app },
    minReplicas,
    maxReplicas,
    metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } }],
    behavior: {
      scaleUp: { stabilizationWindowSeconds: 0 },
      scaleDown: { stabilizationWindowSeconds: 300, policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] },
    },
  },
});
