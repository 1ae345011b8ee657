/** What RabbitMQ is told (infra/rabbitmq), from the topology of the platform. */
import { topologyOf } from '../../shared/messaging/topology.ts';
import { guarded } from '../kubernetes/guard.ts';
import { component } from '../kubernetes/layout.ts';
import { cluster } from '../rabbitmq/cluster.ts';
import { conf, enabledPlugins } from '../rabbitmq/conf.ts';
import { definitionsOf } from '../rabbitmq/definitions.ts';
import type { Generator } from './files.ts';
import { documents } from './kubernetes.ts';
import { platform } from './platform.ts';

const FILES = ['rabbitmq.conf', 'enabled_plugins', 'definitions.json'];
const TOP = 'infra/rabbitmq';

export const rabbitmq: Generator = {
  generate: async () => [
    { path: `${TOP}/rabbitmq.conf`, content: conf() },
    { path: `${TOP}/enabled_plugins`, content: enabledPlugins },
    {
      path: `${TOP}/definitions.json`,
      content: `${JSON.stringify(await definitionsOf(topologyOf(platform)), null, 2)}\n`,
    },
    { path: `${TOP}/cluster.yaml`, content: documents('rabbitmq.ts', guarded(cluster)) },
    {
      path: `${TOP}/kustomization.yaml`,
      content: documents('rabbitmq.ts', [
        component({ resources: ['cluster.yaml'], configMapGenerator: [{ name: 'rabbitmq', files: FILES }] }),
      ]),
    },
  ],
};
