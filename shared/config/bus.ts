/** `BUS_URL` and `BRIDGE_URL`: what carries events. */
import { isAddress } from './address.ts';
import type { Environment } from './environment.ts';
import { requireFile } from './files.ts';
import { StartError } from './start-error.ts';

/** Of RabbitMQ: files in PEM for `amqps://`, the authority of the server and a client's certificate with its key. */
export type BusConfig =
  | { engine: 'embedded' }
  | { engine: 'eventbridge'; name: string }
  | {
      engine: 'rabbitmq';
      url: string;
      queue_type: 'classic' | 'quorum';
      tls: { ca?: string; cert?: string; key?: string };
    };

/** The side beyond, for the process that joins RabbitMQ and EventBridge: a bus, and the SQS queue that it feeds. */
export interface BridgeConfig {
  bus: string;
  queue: string;
}

export const busOf = (env: Environment): BusConfig => {
  const { BUS_URL: url, RABBITMQ_CA: ca, RABBITMQ_CERT: cert, RABBITMQ_KEY: key } = env;
  if (url === 'embedded:') return { engine: 'embedded' };
  const eventBridge = /^eventbridge:\/\/([A-Za-z0-9_.-]{1,256})$/.exec(url);
  if (eventBridge) return { engine: 'eventbridge', name: eventBridge[1]! };
  // the URL may hold a password
  if (!/^amqps?:\/\/./.test(url) || !isAddress(url))
    throw new StartError('BUS_URL names no known engine: use embedded:, amqp://…, amqps://… or eventbridge://<bus>');
  if (!!cert !== !!key) throw new StartError('RABBITMQ_CERT and RABBITMQ_KEY belong together: set both or neither');
  if ((ca || cert) && !url.startsWith('amqps:'))
    throw new StartError('RABBITMQ_CA and RABBITMQ_CERT are for TLS: BUS_URL has to begin with amqps://');
  for (const [variable, file] of Object.entries({ RABBITMQ_CA: ca, RABBITMQ_CERT: cert, RABBITMQ_KEY: key }))
    requireFile(variable, file);
  return { engine: 'rabbitmq', url, queue_type: env.RABBITMQ_QUEUE_TYPE, tls: { ca, cert, key } };
};

export const bridgeOf = (url: string): BridgeConfig => {
  const [, bus, queue] = /^eventbridge:\/\/([A-Za-z0-9_.-]{1,256})\/([A-Za-z0-9_-]{1,75})$/.exec(url) ?? [];
  if (bus && queue) return { bus, queue };
  throw new StartError('BRIDGE_URL names no side to join: use eventbridge://<bus>/<SQS queue>');
};
