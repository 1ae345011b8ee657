/** `definitions.json`: what the platform declares, written down by the code that declares it, and who may do what. */
import type { Channel, Options } from 'amqplib';
import { REVOCATIONS, SNAPSHOTS, snapshotQueue } from '../../shared/messaging/rabbitmq/revocations.ts';
import type { RabbitSettings } from '../../shared/messaging/rabbitmq/settings.ts';
import { declare } from '../../shared/messaging/rabbitmq/topology.ts';
import type { Topology } from '../../shared/messaging/topology.ts';
import { MAX_LENGTH } from '../../shared/messaging/topology.ts';

export const VHOST = 'perfect21';

interface Exchange {
  name: string;
  vhost: string;
  type: string;
  durable: true;
  auto_delete: false;
  internal: false;
  arguments: Record<string, unknown>;
}
interface Queue {
  name: string;
  vhost: string;
  durable: true;
  auto_delete: false;
  arguments: Record<string, unknown>;
}
interface Binding {
  source: string;
  vhost: string;
  destination: string;
  destination_type: 'queue' | 'exchange';
  routing_key: string;
  arguments: Record<string, unknown>;
}
interface Permission {
  user: string;
  vhost: string;
  configure: string;
  write: string;
  read: string;
}

/** A channel that writes down what is declared on it. */
const recorder = () => {
  const exchanges: Exchange[] = [];
  const queues: Queue[] = [];
  const bindings: Binding[] = [];
  const channel = {
    assertExchange: async (name: string, type: string, { alternateExchange }: Options.AssertExchange = {}) => {
      const more = alternateExchange === undefined ? {} : { 'alternate-exchange': alternateExchange };
      exchanges.push({ name, vhost: VHOST, type, durable: true, auto_delete: false, internal: false, arguments: more });
    },
    assertQueue: async (name: string, { arguments: more = {} }: Options.AssertQueue = {}) => {
      queues.push({ name, vhost: VHOST, durable: true, auto_delete: false, arguments: more });
    },
    bindQueue: async (destination: string, source: string, routing_key: string, more: object = {}) => {
      bindings.push({
        source,
        vhost: VHOST,
        destination,
        destination_type: 'queue',
        routing_key,
        arguments: { ...more },
      });
    },
    bindExchange: async (destination: string, source: string, routing_key: string) => {
      bindings.push({ source, vhost: VHOST, destination, destination_type: 'exchange', routing_key, arguments: {} });
    },
  };
  return { channel: channel as unknown as Channel, exchanges, queues, bindings };
};

/** Names of the platform's exchanges and queues, and of those that go with a connection. */
const OWN = '(perfect21\\.|(auth|user|permission|session|notification)-service\\.|amq\\.gen-).*';
/** A message goes back to one queue by the exchange without a name. */
const BY_NAME = 'amq\\.default';

/**
 * By the common names of certificates. `configure`: what may be declared and removed; `write`: published to, and bound to
 * something; `read`: consumed, and bound from.
 */
const RIGHTS: readonly Omit<Permission, 'vhost'>[] = [
  { user: 'perfect21', configure: `^${OWN}$`, write: `^(${OWN}|${BY_NAME})$`, read: `^${OWN}$` },
  {
    user: 'perfect21-bridge',
    configure: '^(perfect21|bridge)\\..*$',
    write: `^((perfect21|bridge)\\..*|${BY_NAME})$`,
    read: '^(perfect21|bridge)\\..*$',
  },
  // follows revocations in a queue of its own, and asks for all of them: that question is a message to one queue by name
  {
    user: 'perfect21-sidecar',
    configure: `^(amq\\.gen-.*|${REVOCATIONS.replaceAll('.', '\\.')})$`,
    write: `^(amq\\.gen-.*|${BY_NAME})$`,
    read: `^(amq\\.gen-.*|${REVOCATIONS.replaceAll('.', '\\.')})$`,
  },
];

/** Everything that a fresh cluster needs. Users have no passwords: they come by certificates. */
export const definitionsOf = async (topology: Topology) => {
  const made = recorder();
  // nothing is connected: only names and arguments count
  const settings: RabbitSettings = { url: 'amqps:', queue_type: 'quorum' };
  await declare(made.channel, topology, settings);
  await made.channel.assertExchange(REVOCATIONS, 'fanout', { durable: true });
  await made.channel.assertQueue(SNAPSHOTS, snapshotQueue(settings));
  return {
    vhosts: [{ name: VHOST, description: 'perfect21', tags: [], default_queue_type: 'classic' }],
    users: RIGHTS.map(({ user }) => ({
      name: user,
      password_hash: '',
      hashing_algorithm: 'rabbit_password_hashing_sha256',
      tags: [],
      limits: {},
    })),
    permissions: RIGHTS.map((each) => ({ ...each, vhost: VHOST })),
    topic_permissions: [],
    parameters: [
      {
        name: 'limits',
        component: 'vhost-limits',
        vhost: VHOST,
        value: { 'max-connections': 1_000, 'max-queues': 2_000 },
      },
    ],
    global_parameters: [],
    policies: [
      {
        name: 'bounded',
        vhost: VHOST,
        // what goes with a connection; others say their bounds themselves
        pattern: '^amq\\.gen-.*$',
        'apply-to': 'queues',
        priority: 0,
        definition: { 'max-length': MAX_LENGTH },
      },
    ],
    exchanges: made.exchanges,
    queues: made.queues,
    // a header that only has to be there has AMQP's void for a value, which the import refuses: the platform binds that itself
    bindings: made.bindings.filter((binding) => !Object.values(binding.arguments).includes(null)),
  };
};
