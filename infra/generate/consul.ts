/** What Consul is told (infra/consul), from the table of services. */
import type { ServiceName } from '../../shared/config/services.ts';
import { definitionOf, intentionsOf } from '../consul/consul.ts';
import { nameOf } from '../kubernetes/cluster.ts';
import type { Generator } from './files.ts';
import { platform } from './platform.ts';

const json = (path: string, value: object) => ({ path, content: `${JSON.stringify(value, null, 2)}\n` });

export const consul: Generator = {
  owns: ['infra/consul/services', 'infra/consul/intentions'],
  generate: () =>
    platform.flatMap(({ name }) => {
      const service = name as ServiceName;
      return [
        json(`infra/consul/services/${nameOf(service)}.json`, definitionOf(service)),
        json(`infra/consul/intentions/${nameOf(service)}.json`, intentionsOf(service, platform)),
      ];
    }),
};
