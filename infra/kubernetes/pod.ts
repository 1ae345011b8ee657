/** What every pod of ours is: nobody in particular, who may write nowhere and has no rights that it was not given. */
import type { IContainer, IEnvVar, IPodSpec, IProbe, ISecurityContext } from 'kubernetes-models/v1';
import { SECRETS, selectorOf } from './cluster.ts';

/** The user of the images. */
const NOBODY = 65532;

/** What the level `restricted` of Pod Security asks of a container, and a root file system that nobody writes to. */
export const RESTRICTED = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
} satisfies ISecurityContext;

/** Seconds for what is in flight: the Service forgets the pod first, then HTTP, gRPC (5 s) and consumers (10 s) end. */
export const GRACE_S = 40;
const FORGOTTEN_S = 5;
/** Endpoints go away beside the signal, not before it. Kubernetes itself sleeps, since the images have no shell. */
export const LIFECYCLE = { preStop: { sleep: { seconds: FORGOTTEN_S } } } satisfies IContainer['lifecycle'];

const get = (path: string, port: string): IProbe => ({ httpGet: { path, port } });
/** A start may wait for its store a minute long; one that does not answer is started anew, one that is not ready is left out. */
export const probesOf = (port: string) =>
  ({
    startupProbe: { ...get('/healthz', port), periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 60 },
    readinessProbe: { ...get('/readyz', port), periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 2 },
    livenessProbe: { ...get('/healthz', port), periodSeconds: 10, timeoutSeconds: 3, failureThreshold: 3 },
  }) satisfies Partial<IContainer>;

export const text = (name: string, value: string | number): IEnvVar => ({ name, value: String(value) });
export const secret = (name: string, of: keyof typeof SECRETS): IEnvVar => {
  const [from, key] = SECRETS[of];
  return { name, valueFrom: { secretKeyRef: { name: from, key } } };
};

/** Memory bounds a container; CPU is asked for, not bounded: throttled milliseconds would be latency. MiB and milli-CPU. */
export const resources = (cpu: number, memory: number, limit: number): IContainer['resources'] => ({
  requests: { cpu: `${cpu}m`, memory: `${memory}Mi` },
  limits: { memory: `${limit}Mi` },
});

/** Where a process makes files that may go with it. */
export const DATA = '/data';

/** A pod of one of our images. `reads`: it asks the API server (discovery); nobody else has a token for that. */
export const podOf = (app: string, { containers, volumes = [], reads = false, ...rest }: PodParts): IPodSpec => ({
  serviceAccountName: app,
  automountServiceAccountToken: reads,
  enableServiceLinks: false,
  securityContext: {
    runAsNonRoot: true,
    runAsUser: NOBODY,
    runAsGroup: NOBODY,
    fsGroup: NOBODY,
    fsGroupChangePolicy: 'OnRootMismatch',
    seccompProfile: { type: 'RuntimeDefault' },
  },
  terminationGracePeriodSeconds: GRACE_S,
  ...rest,
  containers,
  volumes: [{ name: 'data', emptyDir: { sizeLimit: '64Mi' } }, ...volumes],
});
type PodParts = Omit<IPodSpec, 'serviceAccountName' | 'securityContext'> & { reads?: boolean };

/** Pods of one service on different machines and zones, as far as there are some. */
export const spread = (app: string): IPodSpec['topologySpreadConstraints'] =>
  ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].map((topologyKey) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels: selectorOf(app) },
    matchLabelKeys: ['pod-template-hash'],
  }));
