/** A connection for one action of an operator: nothing of it is left behind, whatever becomes of the action. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel, ChannelModel } from 'amqplib';
import { destroy, open } from './connection.ts';
import { createSender, type Sender } from './sender.ts';
import type { RabbitSettings } from './settings.ts';

const CLOSE_MS = 2_000;
const CONFIRM_MS = 10_000;

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

/** A broker with an alarm stops reading: who waits there for a confirm waits for ever. */
const confirmed = <T>(sent: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`RabbitMQ confirmed nothing in ${CONFIRM_MS / 1000} s`)), CONFIRM_MS);
  });
  return Promise.race([sent, late]).finally(() => clearTimeout(timer));
};

/**
 * Connects, works and closes. What the work holds unacknowledged then goes back to its queue.
 *
 * @throws Error of the connection as soon as it is lost, or of the work
 */
export const inSession = async <T>(settings: RabbitSettings, work: (session: Session) => Promise<T>): Promise<T> => {
  const model = await open(settings, 'operator');
  let refuse: (cause: Error) => void = () => {};
  const lost = new Promise<never>((_, reject) => {
    refuse = reject;
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
    const sender = createSender((blocked, reason) => {
      if (blocked) refuse(new Error(`RabbitMQ takes no messages: ${reason}`));
    });
    await sender.attach(model, (cause) => sender.detach(cause));
    const bounded: Sender = { ...sender, send: (message) => confirmed(sender.send(message)) };
    return await Promise.race([work({ channel: await channelOf(model), sender: bounded, ask }), lost]);
  } finally {
    await Promise.race([model.close().catch(() => {}), sleep(CLOSE_MS, undefined, { ref: false })]);
    destroy(model);
  }
};
