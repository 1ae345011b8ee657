/** The sidecar beside any Deployment that is labelled for it, in any namespace: a component of kustomize. */
import type { IContainer } from 'kubernetes-models/v1';
import { GATEWAY, hostOf, imageOf, NAMESPACE, PORTS } from './cluster.ts';
import { probesOf, RESTRICTED, resources, secret, text } from './pod.ts';

const { grpc, http, metrics } = PORTS.sidecar;
const { startupProbe, livenessProbe } = probesOf('sidecar-http');

/** Deployments with this label get one. */
export const INJECTED = { 'perfect21.io/sidecar': 'true' };

/**
 * An init container that goes on (`restartPolicy: Always`, Kubernetes 1.29): it is ready before the service starts, and ends
 * after it. No Service leads to it. A pod starts when its sidecar knows the revocations; after that it stays in service also
 * while the platform is away, when the sidecar says 503 of what it can't know.
 */
export const sidecarContainer: IContainer = {
  name: 'perfect21-sidecar',
  image: imageOf('sidecar'),
  imagePullPolicy: 'IfNotPresent',
  restartPolicy: 'Always',
  ports: [
    { name: 'sidecar-grpc', containerPort: grpc },
    { name: 'sidecar-http', containerPort: http },
    { name: 'sidecar-metrics', containerPort: metrics },
  ],
  env: [
    text('NODE_ENV', 'production'),
    text('PERFECT21_HTTP_HOST', '0.0.0.0'),
    text('PERFECT21_METRICS_HOST', '0.0.0.0'),
    text('SIDECAR_ORIGIN', `http://${GATEWAY}.${NAMESPACE}.svc.cluster.local`),
    text('SIDECAR_FEED', `grpc://${hostOf('sessions').replace('.', '-headless.')}:${PORTS.grpc}`),
    secret('PERFECT21_SERVICE_TOKEN', 'sidecarToken'),
  ],
  envFrom: [{ configMapRef: { name: 'perfect21-sidecar', optional: true } }],
  startupProbe: { ...startupProbe, httpGet: { path: '/readyz', port: 'sidecar-http' } },
  livenessProbe,
  resources: resources(100, 96, 192),
  securityContext: { ...RESTRICTED, runAsUser: 65532, runAsGroup: 65532 },
};

/** A strategic merge patch; its name is that of whom it meets. */
export const sidecarPatch = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'any' },
  spec: {
    template: {
      spec: {
        initContainers: [sidecarContainer],
      },
    },
  },
};
