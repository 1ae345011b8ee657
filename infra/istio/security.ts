/** Who may talk to whom in the mesh, and whose tokens count. */

import type { IServiceEntry } from '@kubernetes-models/istio/networking.istio.io/v1';
import type {
  IAuthorizationPolicy,
  IPeerAuthentication,
  IRequestAuthentication,
} from '@kubernetes-models/istio/security.istio.io/v1';
import type { ServiceName } from '../../shared/config/services.ts';
import { hostOf, httpPortOf, labelsOf, NAMESPACE, nameOf, PORTS, selectorOf } from '../kubernetes/cluster.ts';

/** Nobody without a certificate of the mesh is talked to. */
export const strict: IPeerAuthentication = {
  apiVersion: 'security.istio.io/v1',
  kind: 'PeerAuthentication',
  metadata: { name: 'default', namespace: NAMESPACE, labels: labelsOf('perfect21') },
  spec: { mtls: { mode: 'STRICT' } },
};

/** What is allowed has a name in the mesh, and goes to a port that somebody serves. Network policies say from where. */
export const allowedOf = (service: ServiceName): IAuthorizationPolicy => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { name: nameOf(service), namespace: NAMESPACE, labels: labelsOf(nameOf(service)) },
  spec: {
    selector: { matchLabels: selectorOf(nameOf(service)) },
    action: 'ALLOW',
    rules: [
      {
        from: [{ source: { principals: ['*'] } }],
        to: [{ operation: { ports: [httpPortOf(service), PORTS.grpc, PORTS.metrics].map(String) } }],
      },
    ],
  },
});

/** Pods with this label have their requests decided. */
export const DECIDED = { 'perfect21.io/sidecar': 'true' };
/** The name of the provider in the mesh's configuration. */
export const PROVIDER = 'perfect21-sidecar';
/** The sidecar of the same pod, as a host of the mesh. */
export const SIDECAR_HOST = 'perfect21-sidecar.local';

/** The issuer is `PERFECT21_PUBLIC_URL`; keys are fetched inside of the cluster. What has no token passes here: the sidecar decides. */
export const ourTokens = (issuer: string): IRequestAuthentication => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'RequestAuthentication',
  metadata: { name: 'perfect21' },
  spec: {
    selector: { matchLabels: DECIDED },
    jwtRules: [
      {
        issuer,
        audiences: ['perfect21'],
        jwksUri: `http://${hostOf('auth')}/.well-known/jwks.json`,
        forwardOriginalToken: true,
      },
    ],
  },
});

/** Each request but probes is decided by the sidecar beside the service, revocations and permissions included. */
export const decided: IAuthorizationPolicy = {
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { name: 'perfect21' },
  spec: {
    selector: { matchLabels: DECIDED },
    action: 'CUSTOM',
    provider: { name: PROVIDER },
    rules: [{ to: [{ operation: { notPaths: ['/healthz', '/readyz'] } }] }],
  },
};

export const sidecarBeside: IServiceEntry = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'ServiceEntry',
  metadata: { name: 'perfect21-sidecar' },
  spec: {
    hosts: [SIDECAR_HOST],
    exportTo: ['.'],
    ports: [{ number: PORTS.sidecar.grpc, name: 'grpc', protocol: 'GRPC' }],
    resolution: 'STATIC',
    endpoints: [{ address: '127.0.0.1' }],
  },
};
