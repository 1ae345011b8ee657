/** What is there once: the namespace, the one right that services have, and the job that brings the store to this release. */
import type { IJob } from 'kubernetes-models/batch/v1';
import type { IRole, IRoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1';
import type { INamespace } from 'kubernetes-models/v1';
import type { ServiceName } from '../../shared/config/services.ts';
import { imageOf, labelsOf, NAMESPACE, nameOf, selectorOf, VERSION } from './cluster.ts';
import { DATA, podOf, RESTRICTED, resources, secret, text } from './pod.ts';

const LEVEL = 'restricted';
export const namespace: INamespace = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: {
    name: NAMESPACE,
    labels: {
      'app.kubernetes.io/part-of': 'perfect21',
      'pod-security.kubernetes.io/enforce': LEVEL,
      'pod-security.kubernetes.io/audit': LEVEL,
      'pod-security.kubernetes.io/warn': LEVEL,
    },
  },
};

const FINDER = 'service-finder';
/** Where the other services are (shared/calls/discovery/k8s.ts): that, in this namespace, and nothing else. */
export const finder: IRole = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'Role',
  metadata: { name: FINDER, namespace: NAMESPACE, labels: labelsOf(FINDER) },
  rules: [{ apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] }],
};
export const finders = (services: readonly ServiceName[]): IRoleBinding => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'RoleBinding',
  metadata: { name: FINDER, namespace: NAMESPACE, labels: labelsOf(FINDER) },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: FINDER },
  subjects: services.map((service) => ({ kind: 'ServiceAccount', name: nameOf(service), namespace: NAMESPACE })),
});

export const MIGRATION = 'migration';
/** A job is never changed: each release has its own, and it goes an hour after it ended. */
export const migration: IJob = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: `${MIGRATION}-${VERSION.replaceAll('.', '-')}`, namespace: NAMESPACE, labels: labelsOf(MIGRATION) },
  spec: {
    backoffLimit: 6,
    activeDeadlineSeconds: 900,
    ttlSecondsAfterFinished: 3600,
    template: {
      metadata: { labels: { ...labelsOf(MIGRATION), ...selectorOf(MIGRATION) } },
      spec: podOf(MIGRATION, {
        restartPolicy: 'OnFailure',
        containers: [
          {
            name: MIGRATION,
            image: imageOf('platform'),
            imagePullPolicy: 'IfNotPresent',
            command: ['node', '/app/perfect21.mjs', 'migrate'],
            env: [text('NODE_ENV', 'production'), text('PERFECT21_DATA_DIR', DATA), secret('STORE_URL', 'store')],
            resources: resources(100, 128, 512),
            securityContext: RESTRICTED,
            volumeMounts: [{ name: 'data', mountPath: DATA }],
          },
        ],
      }),
    },
  },
};
