/** Whether the server has the delayed-message exchange (plugin rabbitmq_delayed_message_exchange). */
import { destroy, open } from './connection.ts';
import { EVENTS, type RabbitSettings } from './settings.ts';

/** An exchange of the delayed-message plugin, bound to `perfect21.events`. */
export const DELAYED = 'perfect21.delayed';

/**
 * Declares the exchange where the plugin is and says whether it stands there. A server without the plugin answers by
 * closing the connection (503), so the question has a connection of its own.
 */
export const delayedExchange = async (settings: RabbitSettings): Promise<boolean> => {
  const model = await open(settings, 'plugin');
  model.on('error', () => {});
  try {
    const channel = await model.createChannel();
    channel.on('error', () => {});
    await channel.assertExchange(DELAYED, 'x-delayed-message', {
      durable: true,
      arguments: { 'x-delayed-type': 'topic' },
    });
    await channel.bindExchange(EVENTS, DELAYED, '#');
    await model.close();
    return true;
  } catch {
    return false;
  } finally {
    destroy(model);
  }
};
