/** The folders of infra/istio: components for kustomize, and what Istio itself is told. */
import type { ServiceName } from '../../shared/config/services.ts';
import type { Service } from '../../shared/kit/service.ts';
import { routesOf } from '../generate/routes.ts';
import { hostOf, NAMESPACE, nameOf, PORTS } from '../kubernetes/cluster.ts';
import { component, type Layout } from '../kubernetes/layout.ts';
import { allowedOf, decided, ourTokens, sidecarBeside, strict } from './security.ts';
import { meshConfig, telemetry } from './telemetry.ts';
import { destinationRuleOf, inside, PUBLIC_HOST, publicGateway, publicRoutes, virtualServiceOf } from './traffic.ts';

/** One call in a thousand waits: what the architecture document has for all, and only tests should. */
const FAULT = { delay: { percentage: { value: 0.1 }, fixedDelay: '5s' } };

/** Services by their names: the mesh chooses among the pods. */
const throughMesh = (names: readonly ServiceName[]): string =>
  `static:${names.map((name) => `${name}=${hostOf(name)}:${PORTS.grpc}`).join(',')}`;

export const layouts = (platform: readonly Service[]): Readonly<Record<string, Layout>> => {
  const names = platform.map(({ name }) => name as ServiceName);
  const routes = routesOf(platform);
  const mesh: Layout = {
    'namespace.yaml': [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE, labels: { 'istio-injection': 'enabled' } } },
    ],
    ...Object.fromEntries(
      names.map((name) => [
        `${nameOf(name)}.yaml`,
        [virtualServiceOf(name, routes), destinationRuleOf(name), allowedOf(name)],
      ]),
    ),
    'gateway.yaml': [publicGateway, inside, publicRoutes(routes)],
    'mesh.yaml': [strict, telemetry],
  };
  return {
    mesh: {
      ...mesh,
      'kustomization.yaml': [
        component({
          resources: Object.keys(mesh).filter((file) => file !== 'namespace.yaml'),
          patches: [{ path: 'namespace.yaml' }],
          configMapGenerator: [
            { name: 'perfect21', behavior: 'merge', literals: [`DISCOVERY_URL=${throughMesh(names)}`] },
          ],
        }),
      ],
    },
    application: {
      'application.yaml': [ourTokens(`https://${PUBLIC_HOST}`), decided, sidecarBeside],
      'kustomization.yaml': [
        component({ resources: ['application.yaml'], components: ['../../kubernetes/components/sidecar'] }),
      ],
    },
    faults: {
      'kustomization.yaml': [
        component({
          patches: names.map((name) => ({
            target: { kind: 'VirtualService', name: `${nameOf(name)}-vs` },
            patch: JSON.stringify([{ op: 'add', path: '/spec/http/0/fault', value: FAULT }]),
          })),
        }),
      ],
    },
    'mesh-config': { 'values.yaml': [meshConfig] },
  };
};
