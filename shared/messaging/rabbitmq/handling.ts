/** What becomes of one delivery: handled, sent round by a retry queue, or parked. It may be acknowledged afterwards. */
import type { ConsumeMessage } from 'amqplib';
import type { Host } from '../../invoke.ts';
import { HANDLING_MS } from '../consumer.ts';
import { DEAD } from '../dead-letters.ts';
import { dispatch, type Verdict } from '../dispatch.ts';
import type { Queue, Topology } from '../topology.ts';
import { readMessage, sentOn } from './message.ts';
import type { Sender } from './sender.ts';
import { HEADER, type RabbitSettings, RETURN, retryName, retrySteps } from './settings.ts';

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
): ((message: ConsumeMessage) => Promise<void>) => {
  const { clock, log } = host.ports;
  const steps = retrySteps(settings);

  const pass = async (exchange: string, key: string, message: ConsumeMessage, headers: object): Promise<void> => {
    const options = sentOn(message, { ...headers });
    const sent = await sender.send({ exchange, key, content: message.content, options });
    if (sent === 'returned') throw new Error(`nothing is bound to ${exchange}`);
  };

  const park = async (message: ConsumeMessage, attempts: number, reason: string): Promise<void> => {
    await pass(DEAD, message.fields.routingKey, message, {
      [HEADER.attempts]: attempts,
      [HEADER.reason]: reason.slice(0, 500),
      [HEADER.from]: queue.name,
      [HEADER.parked_at]: new Date(clock.now()).toISOString(),
    });
    log.error('queue.parked', { queue: queue.name, message_id: message.properties.messageId, attempts, reason });
    count('parked');
  };

  const finish = async (message: ConsumeMessage, attempts: number, verdict: Verdict): Promise<void> => {
    if (verdict.kind === 'park') return park(message, attempts, verdict.reason);
    if (verdict.kind !== 'retry') return count(verdict.kind);
    const { reason } = verdict;
    const step = steps[attempts - 1];
    if (step === undefined) return park(message, attempts, `gave up after ${attempts} tries: ${reason}`);
    await pass(retryName(step), queue.name, message, { [HEADER.attempts]: attempts, [HEADER.reason]: reason });
    count('retried');
  };

  return async (message) => {
    const read = readMessage(message);
    if ('poison' in read) return park(message, 0, read.poison);
    const { body, attempts } = read;
    // a consumer may have died with it: that try is written down before the next one, or it would never be given up
    if (message.fields.redelivered && settings.queue_type === 'classic') {
      const died = { [HEADER.attempts]: attempts, [HEADER.reason]: 'its consumer went away' };
      await pass(RETURN, queue.name, message, died);
      return count('redelivered');
    }
    const reason = message.properties.headers?.[HEADER.reason];
    const delivery = { attempts, body, ...(typeof reason === 'string' && { reason }) };
    await finish(message, attempts, await dispatch(host, queue, topology, delivery, clock.now() + HANDLING_MS));
  };
};
