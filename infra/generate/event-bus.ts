/** The bus of events and what brings them to the queues: one rule for each queue and urgent twin, and who may write to it. */
import { compileBindings, MALFORMED } from '../../shared/messaging/eventbridge/pattern.ts';
import type { Queue } from '../../shared/messaging/queue.ts';
import type { Cfn } from './cfn.ts';
import { sourcesOf } from './iam.ts';
import { BUS_ID, deadId, getArn, urgentId } from './names.ts';
import { consumedQueues } from './platform.ts';
import { urgentQueues } from './urgent.ts';

const ruleId = (source: string): string => `${source}Rule`;

/** Takes what no other rule could: a function parks it, with the reason, as it does with all that it can't read. */
const MALFORMED_ID = 'MalformedEventsRule';
/** The queue whose function does. */
const MALFORMED_TO = consumedQueues[0]!.name;

const malformedRule = (): Cfn => ({
  Type: 'AWS::Events::Rule',
  Properties: {
    Description: `Brings events whose routing is malformed to ${MALFORMED_TO}, whose consumer parks them`,
    EventBusName: { Ref: BUS_ID },
    EventPattern: MALFORMED as unknown as Cfn,
    State: 'ENABLED',
    Targets: [
      {
        Id: 'queue',
        Arn: getArn(sourcesOf(MALFORMED_TO)[0]!),
        DeadLetterConfig: { Arn: getArn(deadId(MALFORMED_TO)) },
      },
    ],
  },
});

/** The rule that feeds a source of a queue: the queue itself or its urgent twin. */
const ruleOf = (queue: string, bindings: readonly string[], source: string): Cfn => {
  const urgent = source === urgentId(queue);
  const part = urgent ? 'urgent' : urgentQueues.has(queue) ? 'other' : undefined;
  return {
    Type: 'AWS::Events::Rule',
    Properties: {
      Description: `Brings ${urgent ? 'urgent events of ' : ''}${bindings.join(', ')} to ${queue}`.slice(0, 512),
      EventBusName: { Ref: BUS_ID },
      // one rule for all bindings, so that an event comes once
      EventPattern: compileBindings(bindings, part) as unknown as Cfn,
      State: 'ENABLED',
      Targets: [
        {
          Id: 'queue',
          Arn: getArn(source),
          // without it EventBridge drops what it could not deliver for a day
          DeadLetterConfig: { Arn: getArn(deadId(queue)) },
        },
      ],
    },
  };
};

/** Only a queue's own rules may write to it, and to its dead letters; nobody in the account but by a right of their own. */
const policyOf = (id: string, rules: readonly string[]): Cfn => ({
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
          Condition: { ArnEquals: { 'aws:SourceArn': rules.length === 1 ? getArn(rules[0]!) : rules.map(getArn) } },
        },
      ],
    },
  },
});

/** The rules and policies of a queue, by logical id. */
export const routesOf = ({ name, bindings }: Pick<Queue, 'name' | 'bindings'>): [string, Cfn][] => {
  const sources = sourcesOf(name);
  const also = (at: number): string[] => (name === MALFORMED_TO && at === 0 ? [MALFORMED_ID] : []);
  return [
    ...sources.flatMap((source, at): [string, Cfn][] => [
      [ruleId(source), ruleOf(name, bindings, source)],
      [`${source}Policy`, policyOf(source, [ruleId(source), ...also(at)])],
    ]),
    [`${deadId(name)}Policy`, policyOf(deadId(name), [...sources.map(ruleId), ...also(0)])],
  ];
};

/** The bus, and of each queue its rules and policies, by logical id. */
export const busResources = (): Record<string, Cfn> => ({
  [BUS_ID]: {
    Type: 'AWS::Events::EventBus',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: osls fills it in
    Properties: { Name: '${self:custom.environment.BUS_NAME}' },
  },
  ...Object.fromEntries(consumedQueues.flatMap(routesOf)),
  [MALFORMED_ID]: malformedRule(),
});
