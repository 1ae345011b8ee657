/** Broadcasts over RabbitMQ: an exclusive queue of this process, which goes away with its connection. */
import type { Channel, ChannelModel } from 'amqplib';
import type { Ports } from '../../ports/index.ts';
import type { Hearing, Listener } from '../hearing.ts';
import { readMessage } from './message.ts';
import { EVENTS } from './settings.ts';

export interface Ear extends Hearing {
  /** Begins on a fresh connection. `broken` hears when the channel ended, or the server took the queue away. */
  attach(model: ChannelModel, broken: (cause: Error) => void): Promise<void>;
  attached(): boolean;
  /** The connection is gone, and the queue with it. */
  detach(): void;
}

/** Makes one that waits for its first connection. `ended` hears that it was stopped. */
export const createEar = (listener: Listener, log: Ports['log'], ended: () => void): Ear => {
  let current: Channel | undefined;
  let stopping = false;
  return {
    attach: async (model, broken) => {
      if (stopping) return;
      const channel = await model.createChannel();
      let cause: Error | undefined;
      channel.on('error', (error) => {
        cause = error;
      });
      channel.on('close', () => !stopping && broken(cause ?? new Error('the channel was closed')));
      // its length is bounded by the connection: who takes nothing for two heartbeats loses both
      const { queue } = await channel.assertQueue('', {
        exclusive: true,
        durable: false,
        autoDelete: true,
        arguments: { 'x-queue-type': 'classic' },
      });
      for (const binding of listener.bindings) await channel.bindQueue(queue, EVENTS, binding);
      current = channel;
      const take: Parameters<Channel['consume']>[1] = (message) => {
        if (!message) return stopping ? undefined : broken(new Error('RabbitMQ ended the broadcasts'));
        const read = readMessage(message);
        if ('poison' in read) log.warn('broadcast.refused', { reason: read.poison });
        else listener.deliver(read.body);
      };
      // what is published from here on waits in the queue
      listener.connected();
      await channel.consume(queue, take, { noAck: true }).catch((thrown: Error) => {
        // a stop closes the channel under the question
        if (!stopping) throw thrown;
      });
    },
    attached: () => stopping || current !== undefined,
    detach: () => {
      current = undefined;
      listener.missed();
    },
    stop: async () => {
      stopping = true;
      ended();
      const channel = current;
      current = undefined;
      if (!channel) return;
      const gone = new Promise((resolve) => channel.once('close', resolve));
      await Promise.race([channel.close().catch(() => {}), gone]);
    },
  };
};
