/** The bus of events and what brings them to the queues: one rule for each queue, and who may write to it. */
import { compileBindings } from '../../shared/messaging/eventbridge/pattern.ts';
import { BUS_ID, type Cfn, getArn, queueId } from './iam.ts';
import { consumedQueues } from './platform.ts';

/** The queue's dead letters: what its function gave up, and what EventBridge could not deliver to it. */
export const deadId = (queue: string): string => `${queueId(queue)}Dead`;

const ruleId = (queue: string): string => `${queueId(queue)}Rule`;

const ruleOf = (queue: string, bindings: readonly string[]): Cfn => ({
  Type: 'AWS::Events::Rule',
  Properties: {
    Description: `Brings ${bindings.join(', ')} to ${queue}`.slice(0, 512),
    EventBusName: { Ref: BUS_ID },
    // one rule for all bindings, so that an event comes once
    EventPattern: compileBindings(bindings) as unknown as Cfn,
    State: 'ENABLED',
    Targets: [
      {
        Id: 'queue',
        Arn: getArn(queueId(queue)),
        // without it EventBridge drops what it could not deliver for a day
        DeadLetterConfig: { Arn: getArn(deadId(queue)) },
      },
    ],
  },
});

/** Only the queue's own rule may write to it, and to its dead letters; nobody in the account but by a right of their own. */
const policyOf = (id: string, rule: string): Cfn => ({
  Type: 'AWS::SQS::QueuePolicy',
  Properties: {
    Queues: [{ Ref: id }],
    PolicyDocument: {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Service: 'events.amazonaws.com' },
          Action: 'sqs:SendMessage',
          Resource: getArn(id),
          Condition: { ArnEquals: { 'aws:SourceArn': getArn(rule) } },
        },
      ],
    },
  },
});

/** The bus, and of each queue its rule and policies, by logical id. */
export const busResources = (): Record<string, Cfn> => ({
  [BUS_ID]: {
    Type: 'AWS::Events::EventBus',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: osls fills it in
    Properties: { Name: '${self:custom.environment.BUS_NAME}' },
  },
  ...Object.fromEntries(
    consumedQueues.flatMap(({ name, bindings }) => [
      [ruleId(name), ruleOf(name, bindings)],
      ...[queueId(name), deadId(name)].map((id): [string, Cfn] => [`${id}Policy`, policyOf(id, ruleId(name))]),
    ]),
  ),
});
