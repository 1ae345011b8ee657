/** What becomes of one delivery: handled, sent round by a retry queue, or parked. It may be acknowledged afterwards. */
import type { ConsumeMessage } from 'amqplib';
import type { Host } from '../../kit/invoke.ts';
import { HANDLING_MS } from '../consumer.ts';
import { DEAD } from '../dead-letters.ts';
import { dispatch } from '../dispatch.ts';
import { idsOfBody } from '../line-ids.ts';
import type { Queue, Verdict } from '../queue.ts';
import type { Topology } from '../topology.ts';
import { readMessage, sentOn } from './message.ts';
import type { Sender } from './sender.ts';
import { HEADER, type RabbitSettings, RETURN, retryPlace, retrySteps } from './settings.ts';

/** A delivery, and whether the channel that it came by still stands: without, it comes again, and can't be acknowledged. */
export interface Taken {
  message: ConsumeMessage;
  held(): boolean;
}

/**
 * Makes the handling of one queue's deliveries. Its promise resolves when the message is done or its copy elsewhere was
 * confirmed; a rejection means that nobody else has it.
 */
export const handlingOf = (
  host: Host,
  queue: Queue,
  topology: Topology,
  sender: Sender,
  settings: RabbitSettings,
  count: (result: string) => void,
): ((taken: Taken) => Promise<void>) => {
  const { clock, log } = host.ports;
  const steps = retrySteps(settings);

  const pass = async (exchange: string, key: string, { message, held }: Taken, headers: object): Promise<void> => {
    // it comes again by itself: a copy beside it would be one too many
    if (!held()) throw new Error('the channel that it came by has ended');
    const options = sentOn(message, { ...headers });
    const sent = await sender.send({ exchange, key, content: message.content, options });
    if (sent === 'returned') throw new Error(`nothing is bound to ${exchange || key}`);
  };

  const park = async (taken: Taken, attempts: number, reason: string): Promise<void> => {
    const { message } = taken;
    await pass(DEAD, message.fields.routingKey, taken, {
      [HEADER.attempts]: attempts,
      [HEADER.reason]: reason.slice(0, 500),
      [HEADER.from]: queue.name,
      [HEADER.parked_at]: new Date(clock.now()).toISOString(),
    });
    const read = readMessage(message);
    const ids = { message_id: message.properties.messageId, ...('body' in read && idsOfBody(read.body)) };
    log.error('queue.parked', { queue: queue.name, ...ids, attempts, reason });
    count('parked');
  };

  const finish = async (taken: Taken, attempts: number, verdict: Verdict): Promise<void> => {
    if (verdict.kind === 'park') return park(taken, attempts, verdict.reason);
    if (verdict.kind !== 'retry') return count(verdict.kind);
    const { reason } = verdict;
    const step = steps[attempts - 1];
    if (step === undefined) return park(taken, attempts, `gave up after ${attempts} tries: ${reason}`);
    const { exchange, key } = retryPlace(settings, step, queue.name);
    await pass(exchange, key, taken, { [HEADER.attempts]: attempts, [HEADER.reason]: reason });
    count('retried');
  };

  return async (taken) => {
    const { message } = taken;
    const read = readMessage(message);
    if ('poison' in read) return park(taken, 0, read.poison);
    const { body, attempts } = read;
    // a consumer may have died with it: that try is written down before the next one, or it would never be given up
    if (message.fields.redelivered && settings.queue_type === 'classic') {
      const died = { [HEADER.attempts]: attempts, [HEADER.reason]: 'its consumer went away' };
      await pass(RETURN, queue.name, taken, died);
      return count('redelivered');
    }
    const reason = message.properties.headers?.[HEADER.reason];
    const delivery = { attempts, body, ...(typeof reason === 'string' && { reason }) };
    await finish(taken, attempts, await dispatch(host, queue, topology, delivery, clock.now() + HANDLING_MS));
  };
};
