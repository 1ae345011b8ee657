/** Three nodes of RabbitMQ in Kubernetes. */
import type { IStatefulSet } from 'kubernetes-models/apps/v1';
import type { INetworkPolicy, INetworkPolicyPort } from 'kubernetes-models/networking.k8s.io/v1';
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1';
import type { IRole, IRoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1';
import type { IService, IServiceAccount } from 'kubernetes-models/v1';
import { CLUSTER_DOMAIN, labelsOf, MONITORING, NAMESPACE, selectorOf } from '../kubernetes/cluster.ts';
import { RESTRICTED, resources, spread, text } from '../kubernetes/pod.ts';
import { FOLDER, NODES, PORTS, REPLICAS, TLS } from './conf.ts';

const APP = 'rabbitmq';
const IMAGE = 'rabbitmq:4.0.9';
/** `rabbitmq` in the image. */
const USER = 999;
const meta = (name: string) => ({ name, namespace: NAMESPACE, labels: labelsOf(APP) });
const ping = ['rabbitmq-diagnostics', '-q', 'ping'];

const nodes: IStatefulSet = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: meta(APP),
  spec: {
    serviceName: NODES,
    replicas: REPLICAS,
    // each waits for the others when all come back from a stop
    podManagementPolicy: 'Parallel',
    selector: { matchLabels: selectorOf(APP) },
    template: {
      metadata: { labels: labelsOf(APP) },
      spec: {
        serviceAccountName: APP,
        // it asks who else is there
        automountServiceAccountToken: true,
        enableServiceLinks: false,
        // queues are handed over before
        terminationGracePeriodSeconds: 120,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: USER,
          runAsGroup: USER,
          fsGroup: USER,
          fsGroupChangePolicy: 'OnRootMismatch',
          seccompProfile: { type: 'RuntimeDefault' },
        },
        topologySpreadConstraints: spread(APP)!.map((each) => ({
          ...each,
          matchLabelKeys: ['controller-revision-hash'],
        })),
        containers: [
          {
            name: APP,
            image: IMAGE,
            imagePullPolicy: 'IfNotPresent',
            ports: [
              { name: 'amqps', containerPort: PORTS.amqps },
              { name: 'metrics', containerPort: PORTS.metrics },
            ],
            env: [
              { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
              text('RABBITMQ_USE_LONGNAME', 'true'),
              text('RABBITMQ_NODENAME', `rabbit@$(POD_NAME).${NODES}.${NAMESPACE}.${CLUSTER_DOMAIN}`),
              {
                name: 'RABBITMQ_ERLANG_COOKIE',
                valueFrom: { secretKeyRef: { name: 'rabbitmq-cookie', key: 'cookie' } },
              },
            ],
            startupProbe: { exec: { command: ping }, periodSeconds: 5, timeoutSeconds: 10, failureThreshold: 60 },
            readinessProbe: { tcpSocket: { port: 'amqps' }, periodSeconds: 10, timeoutSeconds: 3 },
            livenessProbe: { exec: { command: ping }, periodSeconds: 60, timeoutSeconds: 15, failureThreshold: 3 },
            lifecycle: {
              // others lead its queues before it goes
              preStop: { exec: { command: ['rabbitmq-upgrade', 'drain'] } },
            },
            resources: resources(500, 1024, 2048),
            securityContext: RESTRICTED,
            volumeMounts: [
              { name: 'data', mountPath: '/var/lib/rabbitmq' },
              { name: 'tmp', mountPath: '/tmp' },
              { name: 'config', mountPath: FOLDER, readOnly: true },
              { name: 'tls', mountPath: TLS, readOnly: true },
            ],
          },
        ],
        volumes: [
          { name: 'tmp', emptyDir: { sizeLimit: '64Mi' } },
          { name: 'config', configMap: { name: APP } },
          {
            name: 'tls',
            secret: {
              secretName: 'rabbitmq-server-tls',
              defaultMode: 0o440,
              items: [
                { key: 'ca.crt', path: 'ca_certificate.pem' },
                { key: 'tls.crt', path: 'server_certificate.pem' },
                { key: 'tls.key', path: 'server_key.pem' },
              ],
            },
          },
        ],
      },
    },
    volumeClaimTemplates: [
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'data', labels: selectorOf(APP) },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '10Gi' } } },
      },
    ],
  },
};

const service = (name: string, spec: IService['spec']): IService => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: meta(name),
  spec: { selector: selectorOf(APP), ...spec },
});
const amqps = { name: 'amqps', port: PORTS.amqps, targetPort: PORTS.amqps, protocol: 'TCP' } as const;

const account: IServiceAccount = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: meta(APP),
  automountServiceAccountToken: false,
};
const finder: IRole = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'Role',
  metadata: meta('rabbitmq-peers'),
  rules: [{ apiGroups: [''], resources: ['endpoints'], resourceNames: [NODES], verbs: ['get'] }],
};
const finders: IRoleBinding = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'RoleBinding',
  metadata: meta('rabbitmq-peers'),
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'rabbitmq-peers' },
  subjects: [{ kind: 'ServiceAccount', name: APP, namespace: NAMESPACE }],
};
/** Two of three are a majority: one may be taken away. */
const budget: IPodDisruptionBudget = {
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: meta(APP),
  spec: { maxUnavailable: 1, selector: { matchLabels: selectorOf(APP) } },
};

const tcp = (...ports: number[]): INetworkPolicyPort[] => ports.map((port) => ({ protocol: 'TCP', port }));
const self = { podSelector: { matchLabels: selectorOf(APP) } };
const network: INetworkPolicy = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: meta(APP),
  spec: {
    podSelector: { matchLabels: selectorOf(APP) },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [
      {
        from: [{ podSelector: { matchLabels: { 'app.kubernetes.io/part-of': 'perfect21' } } }],
        ports: tcp(PORTS.amqps),
      },
      { from: [self], ports: tcp(PORTS.epmd, PORTS.distribution) },
      {
        from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': MONITORING } } }],
        ports: tcp(PORTS.metrics),
      },
    ],
    egress: [{ to: [self], ports: tcp(PORTS.epmd, PORTS.distribution) }, { ports: tcp(443, 6443) }],
  },
};

export const cluster: readonly object[] = [
  nodes,
  service(NODES, {
    clusterIP: 'None',
    // they look for each other before they are ready
    publishNotReadyAddresses: true,
    ports: [
      { name: 'epmd', port: PORTS.epmd, protocol: 'TCP' },
      { name: 'distribution', port: PORTS.distribution, protocol: 'TCP' },
    ],
  }),
  service(APP, { type: 'ClusterIP', ports: [amqps] }),
  account,
  finder,
  finders,
  budget,
  network,
];
