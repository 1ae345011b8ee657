import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { catalogue } from '../../functions/events.ts';
import { functions } from '../../infra/generate/functions.ts';
import { consumedQueues, lambdaFunctions } from '../../infra/generate/platform.ts';
import { resources } from '../../infra/generate/resources.ts';
import { routingOf } from '../../shared/messaging/eventbridge/routing.ts';
import { match } from '../../shared/messaging/topic.ts';
import { rulesIn } from '../engines/eventbridge.ts';
import { matchesPattern, wrongWithPattern } from '../support/eventbridge-matcher.ts';

type Resource = { Type: string; Properties: any };
const contentOf = async (generator: typeof resources) => parse(String((await generator.generate())[0]!.content));
const template: Record<string, Resource> = (await contentOf(resources)).Resources;
const relay = (await contentOf(functions))['events-relay'];
const ofType = (type: string) => Object.entries(template).filter(([, { Type }]) => Type === type);
const nameOf = (id: string) => id.replace(/Queue(Dead)?$/, '').toLowerCase();

describe('the event bus of the stack', () => {
  test('has one rule for each queue that a function consumes, and brings each event where its bindings say', () => {
    const rules = rulesIn(template);
    expect(rules).toHaveLength(new Set(lambdaFunctions.flatMap(({ queue }) => queue ?? [])).size);
    for (const { name, bindings } of consumedQueues) {
      const { pattern } = rules.find(({ target }) => nameOf(target) === name.replace(/[^a-z0-9]/g, ''))!;
      expect(wrongWithPattern(pattern)).toBeUndefined();
      for (const { key } of catalogue) {
        const wanted = bindings.some((binding) => match(binding, key));
        expect([name, key, matchesPattern(pattern, { detail: { routing: routingOf(key) } })]).toEqual([
          name,
          key,
          wanted,
        ]);
      }
    }
  });

  test('gives every target a place for what could not be delivered', () => {
    for (const [, { Properties }] of ofType('AWS::Events::Rule')) {
      expect(Properties.EventBusName).toEqual({ Ref: 'EventBus' });
      const [{ Arn, DeadLetterConfig }] = Properties.Targets;
      expect(DeadLetterConfig.Arn['Fn::GetAtt'][0]).toBe(`${Arn['Fn::GetAtt'][0]}Dead`);
    }
  });

  test('lets only the rule of a queue write to it and to its dead letters', () => {
    const policies = ofType('AWS::SQS::QueuePolicy').map(([, { Properties }]) => Properties);
    expect(policies.map(({ Queues }) => Queues[0].Ref).sort()).toEqual(
      ofType('AWS::SQS::Queue')
        .map(([id]) => id)
        .sort(),
    );
    for (const { Queues, PolicyDocument } of policies) {
      const id = Queues[0].Ref;
      const rule = `${id.replace(/Dead$/, '')}Rule`;
      expect(template[rule]!.Type).toBe('AWS::Events::Rule');
      expect(PolicyDocument.Statement).toEqual([
        {
          Effect: 'Allow',
          Principal: { Service: 'events.amazonaws.com' },
          Action: 'sqs:SendMessage',
          Resource: { 'Fn::GetAtt': [id, 'Arn'] },
          Condition: { ArnEquals: { 'aws:SourceArn': { 'Fn::GetAtt': [rule, 'Arn'] } } },
        },
      ]);
    }
  });

  test('is fed by a function that hears of new outbox rows and looks each minute', () => {
    expect(template.MessagesTable!.Properties.StreamSpecification).toEqual({ StreamViewType: 'KEYS_ONLY' });
    const [{ stream }, { schedule }] = relay.events;
    expect(stream.arn).toEqual({ 'Fn::GetAtt': ['MessagesTable', 'StreamArn'] });
    expect(schedule).toEqual({ rate: ['rate(1 minute)'] });
    const record = (eventName: string, queue: string) => ({ eventName, dynamodb: { Keys: { queue: { S: queue } } } });
    const [filter] = stream.filterPatterns;
    expect(matchesPattern(filter, record('INSERT', 'outbox'))).toBe(true);
    for (const other of [record('MODIFY', 'outbox'), record('REMOVE', 'outbox'), record('INSERT', 'perfect21.dead')]) {
      expect(matchesPattern(filter, other)).toBe(false);
    }
  });

  test('takes events from the relay alone, which may touch the messages, their stream and the bus, and nothing else', () => {
    const statementsOf = ({ Properties }: Resource) => Properties.Policies[0].PolicyDocument.Statement as any[];
    const publishers = ofType('AWS::IAM::Role').filter(([, role]) =>
      statementsOf(role).some(({ Action }) => [Action].flat().includes('events:PutEvents')),
    );
    expect(publishers.map(([id]) => id)).toEqual(['EventsRelayRole']);
    const own = statementsOf(template.EventsRelayRole!).filter(
      ({ Action }) => !/^(logs|xray):/.test([Action].flat()[0]),
    );
    expect(
      own.map(({ Action, Resource }) => [[Action].flat()[0], [Resource].flat().map((each: any) => each['Fn::GetAtt'])]),
    ).toEqual([
      ['dynamodb:DescribeStream', [['MessagesTable', 'StreamArn']]],
      ['dynamodb:GetItem', [['MetaTable', 'Arn']]],
      ['dynamodb:GetItem', [['MessagesTable', 'Arn']]],
      ['events:PutEvents', [['EventBus', 'Arn']]],
    ]);
  });
});
