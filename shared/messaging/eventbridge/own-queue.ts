/** A queue with a rule of its own, for as long as somebody looks or a process runs. */
import {
  DeleteRuleCommand,
  type EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  SetQueueAttributesCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { compileBindings } from './pattern.ts';
import { queueUrl } from './sqs.ts';

export interface AwsClients {
  events: EventBridgeClient;
  sqs: SQSClient;
}

/** Names of rules and queues of processes that hear broadcasts begin so. */
export const HEARS = 'perfect21-hears-';
const TARGET = 'tail';
/** Seconds that messages are kept for one that does not take them. */
export const KEPT_S = 3_600;

/** Makes the rule, or says again what it says. Gives its ARN. */
export const putOwnRule = async (
  { events }: Pick<AwsClients, 'events'>,
  bus: string,
  name: string,
  bindings: readonly string[],
  description = 'Copies for one process',
): Promise<string> => {
  const rule = { EventBusName: bus, Name: name, Description: description, State: 'ENABLED' as const };
  const EventPattern = JSON.stringify(compileBindings(bindings));
  return (await events.send(new PutRuleCommand({ ...rule, EventPattern }))).RuleArn!;
};

/** Makes both. Gives the queue's URL. */
export const makeOwnQueue = async (
  clients: AwsClients,
  bus: string,
  name: string,
  bindings: readonly string[],
  description?: string,
): Promise<string> => {
  const { events, sqs } = clients;
  const Attributes = { MessageRetentionPeriod: String(KEPT_S) };
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes }));
  const asked = { QueueUrl, AttributeNames: ['QueueArn' as const] };
  const QueueArn = (await sqs.send(new GetQueueAttributesCommand(asked))).Attributes!.QueueArn!;
  const RuleArn = await putOwnRule(clients, bus, name, bindings, description);
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

/** Removes both, as far as they are there. */
export const removeOwnQueue = async ({ events, sqs }: AwsClients, bus: string, name: string): Promise<void> => {
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
