/** Dead letters on RabbitMQ: those that consumers parked, and those that the broker moved there by its limits. */
import type { Channel, GetMessage } from 'amqplib';
import * as z from 'zod';
import { DEAD } from '../dead-letters.ts';
import { toEnvelope } from '../envelope.ts';
import { idOfContent, type Letter, type LetterBox } from '../operate.ts';
import { sentOn } from './message.ts';
import type { Session } from './session.ts';
import { HEADER, type RabbitSettings } from './settings.ts';

const DROPPED: Readonly<Record<string, string>> = {
  maxlen: 'the queue was full',
  expired: 'it waited too long in the queue',
  rejected: 'a consumer rejected it',
  delivery_limit: 'its consumers died with it',
};

const Death = z.object({
  queue: z.string(),
  reason: z.string(),
  time: z.object({ value: z.number() }).optional(),
});

const parse = (content: Buffer): unknown => {
  try {
    return JSON.parse(content.toString('utf8'));
  } catch {
    return content.toString('utf8');
  }
};

/** The broker's own word on the last queue that a message left without a consumer, why, and when. */
export const deathOf = ({ properties }: Pick<GetMessage, 'properties'>) => {
  const deaths: unknown = properties.headers?.['x-death'];
  const death = Death.safeParse(Array.isArray(deaths) ? deaths[0] : undefined);
  // whoever may publish may forge it
  if (!death.success) return undefined;
  const { queue, reason, time } = death.data;
  /** It only waited there for its next try. */
  const waited = /^perfect21\.(retry|delay)\./.test(queue);
  return { queue, reason, waited, ...(time && { at: time.value * 1000 }) };
};

/** Where it was, why it was given up, and since when. The broker's own word, where there is one, is the latest. */
export const historyOf = (message: GetMessage): Pick<Letter, 'from' | 'reason' | 'since'> => {
  const { properties, fields } = message;
  const headers = properties.headers ?? {};
  const death = deathOf(message);
  const since = death?.at ?? (properties.timestamp ?? 0) * 1000;
  if (death && !death.waited) return { from: death.queue, reason: DROPPED[death.reason] ?? death.reason, since };
  const parked = Date.parse(String(headers[HEADER.parked_at]));
  const from = headers[HEADER.from];
  // what a retry queue could not bring back has its queue as the routing key
  return typeof from === 'string'
    ? { from, reason: String(headers[HEADER.reason] ?? 'unknown'), since: Number.isNaN(parked) ? since : parked }
    : { from: fields.routingKey, reason: 'its queue was gone', since };
};

const letterOf = (message: GetMessage): Letter => {
  const { content, properties, fields } = message;
  const payload = parse(content);
  const envelope = toEnvelope(payload);
  const headers = properties.headers ?? {};
  const key = headers[HEADER.key] ?? fields.routingKey;
  const attempts = headers[HEADER.attempts];
  const named = envelope.success ? envelope.data.message_id : properties.messageId;
  return {
    id: named ?? idOfContent(content),
    ...historyOf(message),
    ...(envelope.success && { type: envelope.data.message_type }),
    ...(typeof key === 'string' && { routing_key: key }),
    ...(typeof attempts === 'number' && { attempts }),
    payload: envelope.success ? envelope.data : payload,
  };
};

/** Puts it back into its queue as if it were new. */
const replay = async ({ sender }: Session, message: GetMessage, queue: string): Promise<void> => {
  const options = sentOn(message, {});
  for (const name of [HEADER.attempts, HEADER.reason, HEADER.from, HEADER.parked_at]) delete options.headers?.[name];
  // by its name: an exchange with an alternate would take it round into the dead letters again
  const sent = await sender.send({ exchange: '', key: queue, content: message.content, options });
  if (sent === 'returned') throw new Error(`there is no queue ${queue}`);
};

/**
 * The box. A letter is held by the connection while a walk lasts, and goes back to its place when that ends, however
 * it ends.
 *
 * @param open gives a fresh connection for each walk
 */
export const rabbitLetters = (
  open: <T>(work: (session: Session) => Promise<T>) => Promise<T>,
  { queue_type }: RabbitSettings,
): LetterBox => {
  const depthOn = (channel: Channel) => channel.checkQueue(DEAD);
  const depth = async ({ ask }: Session): Promise<number> => (await ask(depthOn))?.messageCount ?? 0;

  const walk: LetterBox['walk'] = (decide, done = () => {}) =>
    open(async (session) => {
      const { channel, sender, ask } = session;
      const gone = new Map<string, Promise<boolean>>();
      const isGone = (queue: string): Promise<boolean> => {
        const asked = gone.get(queue) ?? ask((own) => own.checkQueue(queue)).then((found) => found === undefined);
        gone.set(queue, asked);
        return asked;
      };
      const kept: GetMessage[] = [];
      // what is parked meanwhile comes behind these
      const there = await depth(session);
      for (let left = there; left > 0; left--) {
        const message = await channel.get(DEAD);
        if (!message) break;
        kept.push(message);
        const letter = letterOf(message);
        const fate = decide(letter);
        if (fate === 'stop') break;
        if (fate === 'keep') continue;
        if (fate === 'replay' && (await isGone(letter.from))) {
          done(letter, 'keep', `there is no queue ${letter.from}`);
          continue;
        }
        if (fate === 'replay') await replay(session, message, letter.from);
        channel.ack(message);
        kept.pop();
        done(letter, fate);
      }
      // a quorum queue counts what is given back and drops it after a number of times, so it gets a copy instead
      if (queue_type === 'quorum') {
        for (const message of kept) {
          const { from, reason, since } = historyOf(message);
          const history = { [HEADER.from]: from, [HEADER.reason]: reason };
          const options = sentOn(message, { ...history, [HEADER.parked_at]: new Date(since).toISOString() });
          await sender.send({ exchange: '', key: DEAD, content: message.content, options });
          channel.ack(message);
        }
      }
      // an answer on this channel says that the server has all acknowledgements
      if (there > 0) await depthOn(channel);
    });

  return {
    count: () => open(depth),
    look: async function* () {
      const letters: Letter[] = [];
      await walk((letter) => {
        letters.push(letter);
        return 'keep';
      });
      yield* letters;
    },
    walk,
  };
};
