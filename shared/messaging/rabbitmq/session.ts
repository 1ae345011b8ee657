/** A connection for one action of an operator: nothing of it is left behind, whatever becomes of the action. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel, ChannelModel } from 'amqplib';
import { destroy, open } from './connection.ts';
import { createSender, type Sender } from './sender.ts';
import type { RabbitSettings } from './settings.ts';

const CLOSE_MS = 2_000;

export interface Session {
  channel: Channel;
  sender: Sender;
  /** A question on a channel of its own; undefined when it was about something that is not there (404). */
  ask<T>(question: (channel: Channel) => Promise<T>): Promise<T | undefined>;
}

/** A channel whose end does not end the connection. */
const channelOf = async (model: ChannelModel): Promise<Channel> => {
  const channel = await model.createChannel();
  channel.on('error', () => {});
  return channel;
};

/**
 * Connects, works and closes. What the work holds unacknowledged then goes back to its queue.
 *
 * @throws Error of the connection as soon as it is lost, or of the work
 */
export const inSession = async <T>(settings: RabbitSettings, work: (session: Session) => Promise<T>): Promise<T> => {
  const model = await open(settings, 'operator');
  const lost = new Promise<never>((_, reject) => {
    model.on('error', reject);
    model.on('close', (cause?: Error) => reject(cause ?? new Error('the connection was closed')));
  });
  lost.catch(() => {});
  const ask: Session['ask'] = async (question) => {
    const own = await channelOf(model);
    try {
      const answer = await question(own);
      await own.close();
      return answer;
    } catch (cause) {
      // the server has closed the channel
      if (/404|NOT[-_]FOUND/i.test(String(cause))) return undefined;
      throw cause;
    }
  };
  try {
    const sender = createSender(() => {});
    await sender.attach(model, (cause) => sender.detach(cause));
    return await Promise.race([work({ channel: await channelOf(model), sender, ask }), lost]);
  } finally {
    await Promise.race([model.close().catch(() => {}), sleep(CLOSE_MS, undefined, { ref: false })]);
    destroy(model);
  }
};
