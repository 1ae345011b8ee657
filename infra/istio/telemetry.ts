/** What the mesh tells of itself, and what Istio has to be told for that. */
import type { ITelemetry } from '@kubernetes-models/istio/telemetry.istio.io/v1';
import { labelsOf, MONITORING, NAMESPACE, PORTS } from '../kubernetes/cluster.ts';
import { PROVIDER, SIDECAR_HOST } from './security.ts';

const TRACES = 'otel';

/** One trace in ten, as the platform itself; log lines of what failed. */
export const telemetry: ITelemetry = {
  apiVersion: 'telemetry.istio.io/v1',
  kind: 'Telemetry',
  metadata: { name: 'perfect21', namespace: NAMESPACE, labels: labelsOf('perfect21') },
  spec: {
    tracing: [{ providers: [{ name: TRACES }], randomSamplingPercentage: 10 }],
    accessLogging: [{ providers: [{ name: 'envoy' }], filter: { expression: 'response.code >= 400' } }],
  },
};

/** `meshConfig` as Istio's Helm chart and operator take it (https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/), as far as ours says. */
interface MeshConfig {
  meshConfig: {
    pathNormalization: { normalization: 'DECODE_AND_MERGE_SLASHES' };
    extensionProviders: (
      | {
          name: string;
          envoyExtAuthzGrpc: {
            service: string;
            port: number;
            timeout: string;
            failOpen: boolean;
            statusOnError: string;
          };
        }
      | { name: string; opentelemetry: { service: string; port: number } }
    )[];
  };
}

/** Never open: a sidecar that can't know says 503 itself, and so does Envoy for one that is away. */
export const meshConfig: MeshConfig = {
  meshConfig: {
    // rules on paths are held against what services see
    pathNormalization: { normalization: 'DECODE_AND_MERGE_SLASHES' },
    extensionProviders: [
      {
        name: PROVIDER,
        envoyExtAuthzGrpc: {
          service: SIDECAR_HOST,
          port: PORTS.sidecar.grpc,
          timeout: '0.5s',
          failOpen: false,
          statusOnError: '503',
        },
      },
      { name: TRACES, opentelemetry: { service: `otel-collector.${MONITORING}.svc.cluster.local`, port: 4317 } },
    ],
  },
};
