/** How long the dead letters have one: what the broker does not tell of a queue, its first message does. */
import type { Channel } from 'amqplib';
import { DEAD } from '../dead-letters.ts';
import { historyOf } from './letters.ts';
import type { RabbitSettings } from './settings.ts';

/** Looks at the first letter and puts it back where it was. */
const look = async (channel: Channel): Promise<number | undefined> => {
  const message = await channel.get(DEAD);
  if (!message) return undefined;
  channel.nack(message, false, true);
  return historyOf(message).since || undefined;
};

/**
 * Makes what says since when the first dead letter is dead, unix ms. Letters come behind each other, so the first one is
 * another only when there are fewer: it is looked at then, and not each time. In a quorum queue never: there a letter
 * that is given back a number of times is dropped.
 */
export const oldestLetter = ({ queue_type }: Pick<RabbitSettings, 'queue_type'>) => {
  let known: { count: number; since: number | undefined } | undefined;
  return async (channel: Channel | undefined, count: number): Promise<number | undefined> => {
    if (!channel || count === 0 || queue_type === 'quorum') {
      known = undefined;
      return undefined;
    }
    if (known?.since !== undefined && count >= known.count) known.count = count;
    else known = { count, since: await look(channel).catch(() => undefined) };
    return known.since;
  };
};
