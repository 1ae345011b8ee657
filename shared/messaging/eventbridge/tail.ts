/** Events as they pass EventBridge: a rule and a queue of this look only, removed at its end. */
import {
  DeleteRuleCommand,
  type EventBridgeClient,
  ListRulesCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { Ids } from '../../ports/clock.ts';
import { toEnvelope } from '../envelope.ts';
import type { Passing } from '../operate.ts';
import { compileBindings } from './pattern.ts';
import { queueUrl } from './sqs.ts';

export interface AwsClients {
  events: EventBridgeClient;
  sqs: SQSClient;
}

/** Rules and queues of tails begin so, then comes when they began (unix seconds). */
export const TAIL = 'perfect21-tail-';
const LONGEST_S = 24 * 3600;
const WAIT_S = 10;
const TARGET = 'tail';

const passingOf = ({ Body = '' }: Message): Passing | undefined => {
  try {
    const { detail } = JSON.parse(Body);
    const { key, priority } = detail.routing ?? {};
    const { data: envelope } = toEnvelope(detail);
    return envelope && { routing_key: String(key ?? ''), priority, envelope };
  } catch {
    return undefined;
  }
};

const remove = async ({ events, sqs }: AwsClients, bus: string, name: string): Promise<void> => {
  // each by itself: of one that was killed half way only some are there
  const ended = await Promise.allSettled([
    events
      .send(new RemoveTargetsCommand({ EventBusName: bus, Rule: name, Ids: [TARGET] }))
      .then(() => events.send(new DeleteRuleCommand({ EventBusName: bus, Name: name }))),
    queueUrl(sqs, name).then((QueueUrl) => sqs.send(new DeleteQueueCommand({ QueueUrl }))),
  ]);
  const failed = ended.find((each) => each.status === 'rejected');
  if (failed && !/NotFound|DoesNotExist|NonExistent/.test((failed.reason as Error).name)) throw failed.reason;
};

/** Removes what tails left behind that were killed. */
const sweep = async (clients: AwsClients, bus: string): Promise<void> => {
  const { Rules = [] } = await clients.events.send(new ListRulesCommand({ EventBusName: bus, NamePrefix: TAIL }));
  for (const { Name = '' } of Rules) {
    const began = Number(Name.slice(TAIL.length).split('-')[0]);
    if (began + LONGEST_S < Date.now() / 1000) await remove(clients, bus, Name);
  }
};

const make = async ({ events, sqs }: AwsClients, bus: string, name: string, binding: string): Promise<string> => {
  const { QueueUrl } = await sqs.send(
    new CreateQueueCommand({ QueueName: name, Attributes: { MessageRetentionPeriod: '3600' } }),
  );
  const asked = { QueueUrl, AttributeNames: ['QueueArn' as const] };
  const QueueArn = (await sqs.send(new GetQueueAttributesCommand(asked))).Attributes!.QueueArn!;
  const pattern = { EventPattern: JSON.stringify(compileBindings([binding])), State: 'ENABLED' as const };
  const { RuleArn } = await events.send(new PutRuleCommand({ EventBusName: bus, Name: name, ...pattern }));
  const allowed = {
    Effect: 'Allow',
    Principal: { Service: 'events.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: QueueArn,
    Condition: { ArnEquals: { 'aws:SourceArn': RuleArn } },
  };
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [allowed] });
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
  const Targets = [{ Id: TARGET, Arn: QueueArn }];
  await events.send(new PutTargetsCommand({ EventBusName: bus, Rule: name, Targets }));
  return QueueUrl!;
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
  await sweep(clients, bus);
  const name = `${TAIL}${Math.floor(Date.now() / 1000)}-${ids.uuid().slice(-12)}`;
  const { sqs } = clients;
  try {
    const QueueUrl = await make(clients, bus, name, binding);
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
    await remove(clients, bus, name);
  }
};
