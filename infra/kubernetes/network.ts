/** Who may talk to whom: nobody, and then what is named here. */
import type { INetworkPolicy, INetworkPolicyPeer, INetworkPolicyPort } from 'kubernetes-models/networking.k8s.io/v1';
import type { ServiceName } from '../../shared/config/services.ts';
import {
  CLIENTS,
  GATEWAY,
  GATEWAYS,
  httpPortOf,
  labelsOf,
  MONITORING,
  NAMESPACE,
  nameOf,
  PORTS,
  selectorOf,
} from './cluster.ts';
import type { Needs } from './workloads.ts';

const PART = { matchLabels: { 'app.kubernetes.io/part-of': 'perfect21' } };
const ours: INetworkPolicyPeer = { podSelector: PART };
const app = (name: string): INetworkPolicyPeer => ({ podSelector: { matchLabels: selectorOf(name) } });
const namespaces = (label: string): INetworkPolicyPeer => ({ namespaceSelector: { matchLabels: { [label]: 'true' } } });
const namespace = (name: string): INetworkPolicyPeer => ({
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } },
});
const tcp = (...ports: number[]): INetworkPolicyPort[] => ports.map((port) => ({ protocol: 'TCP', port }));

/** Of PostgreSQL, and of RabbitMQ with TLS. They may stand in the cluster or beside it. */
const STORE = tcp(5432);
const BUS = tcp(5671);
/** The API server, which no selector names. */
const API = tcp(443, 6443);
const MAIL = tcp(465, 587);
const OTLP = tcp(4318);

const policy = (name: string, spec: INetworkPolicy['spec']): INetworkPolicy => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name, namespace: NAMESPACE, labels: labelsOf(name) },
  spec,
});

/** Nothing comes in and nothing goes out that no other policy allows; names are looked up by all. */
export const grounds: INetworkPolicy[] = [
  policy('default-deny', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] }),
  policy('dns', {
    podSelector: {},
    policyTypes: ['Egress'],
    egress: [
      {
        to: [{ ...namespace('kube-system'), podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } } }],
        ports: [{ protocol: 'UDP', port: 53 }, ...tcp(53)],
      },
    ],
  }),
];

export const networkOf = (service: ServiceName, { sends }: Needs): INetworkPolicy => {
  const name = nameOf(service);
  const auth = { to: [app(nameOf('auth'))], ports: tcp(httpPortOf('auth')) };
  // the others fetch the keys that auth publishes
  const http = [app(GATEWAY), namespaces(GATEWAYS), ...(service === 'auth' ? [ours] : [])];
  return policy(name, {
    podSelector: { matchLabels: selectorOf(name) },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [
      { from: http, ports: tcp(httpPortOf(service)) },
      { from: [ours, namespaces(CLIENTS)], ports: tcp(PORTS.grpc) },
      { from: [namespace(MONITORING)], ports: tcp(PORTS.metrics) },
    ],
    egress: [
      { to: [ours], ports: tcp(PORTS.grpc) },
      ...(service === 'auth' ? [] : [auth]),
      { ports: [...STORE, ...BUS, ...API, ...(sends ? MAIL : [])] },
      { to: [namespace(MONITORING)], ports: OTLP },
    ],
  });
};

/** The migration reaches its store, and nobody reaches it. */
export const networkOfJob = (name: string): INetworkPolicy =>
  policy(name, {
    podSelector: { matchLabels: selectorOf(name) },
    policyTypes: ['Ingress', 'Egress'],
    egress: [{ ports: STORE }],
  });
