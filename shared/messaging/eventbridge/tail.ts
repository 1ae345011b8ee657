/** Events as they pass EventBridge: a rule and a queue of this look only, removed at its end. */
import { ListRulesCommand } from '@aws-sdk/client-eventbridge';
import { DeleteMessageBatchCommand, type Message, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import type { Ids } from '../../ports/clock.ts';
import { toEnvelope } from '../envelope.ts';
import type { Passing } from '../operate.ts';
import { type AwsClients, makeOwnQueue, removeOwnQueue } from './own-queue.ts';
import { compileBindings } from './pattern.ts';

/** Rules and queues of tails begin so, then comes when they began (unix seconds). */
export const TAIL = 'perfect21-tail-';
const LONGEST_S = 24 * 3600;
const WAIT_S = 10;

export const passingOf = ({ Body = '' }: Message): Passing | undefined => {
  try {
    const { detail } = JSON.parse(Body);
    const { key, priority } = detail.routing ?? {};
    const { data: envelope } = toEnvelope(detail);
    return envelope && { routing_key: String(key ?? ''), priority, envelope };
  } catch {
    return undefined;
  }
};

/** Removes what tails left behind that were killed. */
const sweep = async (clients: AwsClients, bus: string): Promise<void> => {
  const { Rules = [] } = await clients.events.send(new ListRulesCommand({ EventBusName: bus, NamePrefix: TAIL }));
  for (const { Name = '' } of Rules) {
    const began = Number(Name.slice(TAIL.length).split('-')[0]);
    if (began + LONGEST_S < Date.now() / 1000) await removeOwnQueue(clients, bus, Name);
  }
};

/** Shows events until the signal. A fresh rule takes AWS up to a minute to heed. See BusOperations.tail. */
export const tail = async (
  clients: AwsClients,
  ids: Ids,
  bus: string,
  binding: string,
  show: (event: Passing) => void,
  signal: AbortSignal,
  ready: () => void,
): Promise<void> => {
  // what no rule can say is refused before anything is made
  compileBindings([binding]);
  await sweep(clients, bus);
  const name = `${TAIL}${Math.floor(Date.now() / 1000)}-${ids.uuid().slice(-12)}`;
  const { sqs } = clients;
  try {
    const QueueUrl = await makeOwnQueue(clients, bus, name, [binding]);
    ready();
    while (!signal.aborted) {
      const request = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: WAIT_S });
      const received = await sqs.send(request, { abortSignal: signal }).catch((cause) => {
        if (signal.aborted) return { Messages: [] };
        throw cause;
      });
      const Messages: Message[] = received.Messages ?? [];
      for (const event of Messages.map(passingOf)) if (event && !signal.aborted) show(event);
      const Entries = Messages.map(({ ReceiptHandle }, at) => ({ Id: String(at), ReceiptHandle }));
      if (Entries.length) await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    }
  } finally {
    await removeOwnQueue(clients, bus, name);
  }
};
