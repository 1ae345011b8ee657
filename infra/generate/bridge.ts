/** infra/generated/bridge.yml: the bridge of serverless.yml, which takes `on` or `off` of it. */

import { routesOf } from './event-bus.ts';
import type { GeneratedFile, Generator } from './files.ts';
import { functionOf, toYaml } from './functions.ts';
import { roleOf } from './iam.ts';
import { roleId } from './names.ts';
import { bridgeFunctions } from './platform.ts';
import { logGroups, queueOf } from './resources.ts';

/** An outage of RabbitMQ or of the store counts no tries that matter; what is no event is parked at once. */
const TRIES = 1000;

export const bridge: Generator = {
  generate: (): GeneratedFile[] => {
    const queues = bridgeFunctions.flatMap(({ queue }) => queue ?? []);
    const on = {
      functions: Object.fromEntries(bridgeFunctions.map((of) => [of.name, functionOf(of)])),
      resources: {
        Resources: Object.fromEntries([
          ...queues.flatMap((queue) => queueOf(queue, { tries: TRIES })),
          ...queues.flatMap((name) => routesOf({ name, bindings: ['#'] })),
          ...bridgeFunctions.map((of) => [roleId(of.name), roleOf(of)]),
          ...Object.entries(logGroups(bridgeFunctions)),
        ]),
      },
    };
    const off = { functions: {}, resources: { Resources: {} } };
    return [{ path: 'infra/generated/bridge.yml', content: toYaml({ off, on }) }];
  },
};
