/** The folders of kustomize: `base`, places (`overlays`), and what may be added (`components`). */

import type { ServiceName } from '../../shared/config/services.ts';
import type { Service } from '../../shared/kit/service.ts';
import { imageOf, NAMESPACE, nameOf } from './cluster.ts';
import { finder, finders, MIGRATION, migration, namespace } from './ground.ts';
import { guarded, settingFault } from './guard.ts';
import { grounds, networkOf, networkOfJob } from './network.ts';
import { INJECTED, sidecarPatch } from './sidecar.ts';
import { accountOf, budgetOf, deploymentOf, needsOf, scalerOf, servicesOf } from './workloads.ts';

/** What a kustomization may say, as far as ours do (https://kubectl.docs.kubernetes.io/references/kustomize/). */
export interface Kustomization {
  apiVersion: 'kustomize.config.k8s.io/v1beta1' | 'kustomize.config.k8s.io/v1alpha1';
  kind: 'Kustomization' | 'Component';
  namespace?: string;
  resources?: string[];
  components?: string[];
  configMapGenerator?: { name: string; behavior?: 'merge'; literals?: string[]; files?: string[] }[];
  patches?: { target?: { kind: string; name?: string; labelSelector?: string }; path?: string; patch?: string }[];
  images?: { name: string; newName?: string; newTag?: string }[];
}
export const kustomization = (rest: Omit<Kustomization, 'apiVersion' | 'kind'>): Kustomization => ({
  apiVersion: 'kustomize.config.k8s.io/v1beta1',
  kind: 'Kustomization',
  ...rest,
});
export const component = (rest: Omit<Kustomization, 'apiVersion' | 'kind'>): Kustomization => ({
  apiVersion: 'kustomize.config.k8s.io/v1alpha1',
  kind: 'Component',
  ...rest,
});

/** Settings that are no secret, by place. @throws Error for one that no cluster can have */
const settings = (values: Record<string, string>): string[] =>
  Object.entries(values).map(([name, value]) => {
    const fault = settingFault(name, value);
    if (fault) throw new Error(fault);
    return `${name}=${value}`;
  });

/** By path: lists of manifests, or one kustomization. */
export type Layout = Readonly<Record<string, readonly object[]>>;

const base = (platform: readonly Service[]): Layout => {
  const each = platform.map((service) => {
    const name = service.name as ServiceName;
    const app = nameOf(name);
    const needs = needsOf(service);
    const around = [accountOf(app), budgetOf(app), scalerOf(app), networkOf(name, needs)];
    return [`${app}.yaml`, [deploymentOf(name, needs), ...servicesOf(name), ...around]] as const;
  });
  const names = platform.map(({ name }) => name as ServiceName);
  const files: Layout = {
    'namespace.yaml': [namespace],
    'network.yaml': grounds,
    'rights.yaml': [finder, finders(names)],
    'migration.yaml': [migration, accountOf(MIGRATION), networkOfJob(MIGRATION)],
    ...Object.fromEntries(each),
  };
  const values = {
    DISCOVERY_URL: `k8s://${NAMESPACE}`,
    LOG_LEVEL: 'info',
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0.1',
  };
  return {
    ...files,
    'kustomization.yaml': [
      kustomization({
        namespace: NAMESPACE,
        resources: Object.keys(files),
        configMapGenerator: [{ name: 'perfect21', literals: settings(values) }],
      }),
    ],
  };
};

/** `more` beside what the base says. */
const place = (values: Record<string, string>, more: Partial<Kustomization> = {}): Layout => ({
  'kustomization.yaml': [
    kustomization({
      namespace: NAMESPACE,
      resources: ['../../base'],
      configMapGenerator: [{ name: 'perfect21', behavior: 'merge', literals: settings(values) }],
      ...more,
    }),
  ],
});

/** What each place has to say for itself. Pods are where the gateway is, whose word about the client's address counts. */
const PUBLIC = {
  PERFECT21_PUBLIC_URL: 'https://auth.example.com',
  PERFECT21_TRUSTED_PROXIES: '10.0.0.0/8',
  MAIL_FROM: 'Example <no-reply@example.com>',
};
const registry = (['platform', 'sidecar'] as const).map((role) => {
  const [name = '', newTag] = imageOf(role).split(':');
  return { name, newName: `registry.example.com/${name}`, newTag };
});

/** What an overlay changes in every autoscaler. */
const scaled = (minReplicas: number, maxReplicas: number) => ({
  target: { kind: 'HorizontalPodAutoscaler' },
  patch: JSON.stringify([
    { op: 'replace', path: '/spec/minReplicas', value: minReplicas },
    { op: 'replace', path: '/spec/maxReplicas', value: maxReplicas },
  ]),
});

/** All folders by their path from infra/kubernetes. */
export const layouts = (platform: readonly Service[]): Readonly<Record<string, Layout>> => {
  const folders: Readonly<Record<string, Layout>> = {
    base: base(platform),
    'overlays/production': place(PUBLIC, {
      images: registry,
      patches: [scaled(3, 20)],
      components: ['../../../kong', '../../../rabbitmq'],
    }),
    // the same in Istio: infra/istio
    'overlays/mesh': place(PUBLIC, {
      images: registry,
      patches: [scaled(3, 20)],
      components: ['../../../rabbitmq', '../../../istio/mesh'],
    }),
    // for tests of others: one call in a thousand is late
    'overlays/mesh-faults': {
      'kustomization.yaml': [kustomization({ resources: ['../mesh'], components: ['../../../istio/faults'] })],
    },
    'overlays/trial': place(
      { ...PUBLIC, LOG_LEVEL: 'debug' },
      {
        patches: [scaled(1, 2)],
        components: ['../../../kong', '../../../rabbitmq'],
      },
    ),
    'components/sidecar': {
      'kustomization.yaml': [
        component({
          patches: [
            {
              path: 'sidecar.yaml',
              target: { kind: 'Deployment', labelSelector: Object.entries(INJECTED)[0]!.join('=') },
            },
          ],
        }),
      ],
      'sidecar.yaml': [sidecarPatch],
    },
  };
  for (const layout of Object.values(folders)) guarded(Object.values(layout).flat());
  return folders;
};
