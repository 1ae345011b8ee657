import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { catalogue } from '../../functions/events.ts';
import { functions } from '../../infra/generate/functions.ts';
import { consumedQueues, lambdaFunctions } from '../../infra/generate/platform.ts';
import { resources } from '../../infra/generate/resources.ts';
import { prioritiesOf, urgentQueues } from '../../infra/generate/urgent.ts';
import { readEnvelope } from '../../shared/doors/lambda/record.ts';
import { compileBindings, MALFORMED } from '../../shared/messaging/eventbridge/pattern.ts';
import { routingOf, urgencyOf } from '../../shared/messaging/eventbridge/routing.ts';
import { match } from '../../shared/messaging/topic.ts';
import { rulesIn } from '../engines/eventbridge.ts';
import { matchesPattern, wrongWithPattern } from '../support/eventbridge-matcher.ts';

type Resource = { Type: string; Properties: any };
const contentOf = async (generator: typeof resources) => parse(String((await generator.generate())[0]!.content));
const template: Record<string, Resource> = (await contentOf(resources)).Resources;
const relay = (await contentOf(functions))['events-relay'];
const ofType = (type: string) => Object.entries(template).filter(([, { Type }]) => Type === type);
const nameOf = (id: string) => id.replace(/Queue(Urgent|Dead)?$/, '').toLowerCase();
const plain = (queue: string) => queue.replace(/[^a-z0-9]/g, '');

/** Written by the bucket, and by functions with a right of their own. */
const BULK = /BulkQueue(Dead)?$/;
// biome-ignore lint/suspicious/noTemplateCurlyInString: osls fills it in
const SENDING = '${self:custom.queues.sending}';

describe('the event bus of the stack', () => {
  test('brings each event where its bindings say, once, and apart from the others if it is urgent', () => {
    const all = rulesIn(template);
    for (const { pattern } of all) expect(wrongWithPattern(pattern)).toBeUndefined();
    const rules = all.filter(({ pattern }) => JSON.stringify(pattern) !== JSON.stringify(MALFORMED));
    expect(rules).toHaveLength(all.length - 1);
    expect(new Set(rules.map(({ target }) => nameOf(target)))).toEqual(
      new Set(lambdaFunctions.flatMap(({ queue, bulk }) => (queue && !bulk ? plain(queue) : []))),
    );
    for (const { name, bindings } of consumedQueues) {
      const own = rules.filter(({ target }) => nameOf(target) === plain(name));
      expect(own).toHaveLength(urgentQueues.has(name) ? 2 : 1);
      for (const { key } of catalogue) {
        const wanted = bindings.some((binding) => match(binding, key));
        // an event from elsewhere may say nothing of its priority
        for (const priority of [undefined, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]) {
          const event = {
            detail: { routing: { ...routingOf(key), ...(priority !== undefined && urgencyOf(priority)) } },
          };
          const taken = own.filter(({ pattern }) => matchesPattern(pattern, event)).map(({ target }) => target);
          const twin = urgentQueues.has(name) && (priority ?? 0) >= 7 ? 'QueueUrgent' : 'Queue';
          expect([name, key, priority, taken.map((target) => /Queue\w*$/.exec(target)![0])]).toEqual([
            name,
            key,
            priority,
            wanted ? [twin] : [],
          ]);
        }
      }
    }
  });

  test('lets no event of a stranger vanish whose routing is malformed, and parks it', () => {
    const rules = rulesIn(template);
    const routing = routingOf('security.events.alert');
    const envelope = { message_id: 'm', message_type: 'security.alert', timestamp: '2026-05-09T12:00:00', data: {} };
    const taken = (odd: object) =>
      rules.filter(({ pattern }) =>
        matchesPattern(pattern, { detail: { ...envelope, source_service: 's', routing: { ...routing, ...odd } } }),
      );
    const read = (odd: object) => () =>
      readEnvelope(JSON.stringify({ detail: { ...envelope, source_service: 's', routing: { ...routing, ...odd } } }));
    for (const odd of [
      { urgent: 'yes' },
      { urgent: 1 },
      { urgent: null },
      { n: '3' },
      { n: 0 },
      { n: 9 },
      { n: true },
      { n: undefined },
    ]) {
      expect([odd, taken(odd).length > 0]).toEqual([odd, true]);
      expect(read(odd)).toThrow();
    }
    // a producer that has never heard of routing
    for (const routing of [undefined, null, 'security.events.alert', []]) {
      const detail = { ...envelope, source_service: 's', ...(routing !== undefined && { routing }) };
      expect([routing, rules.filter(({ pattern }) => matchesPattern(pattern, { detail })).length]).toEqual([
        routing,
        1,
      ]);
      expect(() => readEnvelope(JSON.stringify({ detail }))).toThrow();
    }
    for (const plain of [{}, { urgent: false }, { urgent: true }]) {
      expect(taken(plain)).toHaveLength(1);
      expect(read(plain)).not.toThrow();
    }
  });

  test('has an urgent twin for exactly those queues to which an event of priority 7 or more can come', async () => {
    expect([...urgentQueues].sort()).toEqual([
      'notification-service.connections',
      'notification-service.notification_requests',
      'notification-service.security_events',
    ]);
    const found = new Map(catalogue.map((event) => [event.type, Math.max(...prioritiesOf(event))]));
    expect([found.get('security.alert'), found.get('security.account_locked'), found.get('user.login')]).toEqual([
      9, 7, 5,
    ]);
    const { 'notifications-on-security-events': consumer } = await contentOf(functions);
    expect(
      consumer.events.map(({ sqs }: any) => [
        sqs.arn['Fn::GetAtt'][0],
        sqs.maximumConcurrency,
        sqs.functionResponseType,
      ]),
    ).toEqual([
      // both send: neither may outrun the rate of who carries the mails
      ['NotificationServiceSecurityEventsQueue', SENDING, 'ReportBatchItemFailures'],
      ['NotificationServiceSecurityEventsQueueUrgent', SENDING, 'ReportBatchItemFailures'],
    ]);
  });

  test('splits any bindings by priority without taking an event twice or never', () => {
    const word = fc.constantFrom('a', 'b', '*', '#');
    const bindings = fc.array(fc.array(word, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 });
    const key = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(bindings, key, fc.option(fc.integer({ min: 0, max: 9 })), (bound, words, priority) => {
        const names = bound.map((each) => each.join('.'));
        const routing = { ...routingOf(words.join('.')), ...(priority !== null && urgencyOf(priority)) };
        const takes = (part?: 'urgent' | 'other') =>
          matchesPattern(compileBindings(names, part), { detail: { routing } });
        expect(wrongWithPattern(compileBindings(names, 'other'))).toBeUndefined();
        expect([takes('urgent'), takes('other')]).toEqual(
          takes() ? [(priority ?? 0) >= 7, (priority ?? 0) < 7] : [false, false],
        );
      }),
    );
  });

  test('gives every target a place for what could not be delivered', () => {
    for (const [, { Properties }] of ofType('AWS::Events::Rule')) {
      expect(Properties.EventBusName).toEqual({ Ref: 'EventBus' });
      const [{ Arn, DeadLetterConfig }] = Properties.Targets;
      const queue = Arn['Fn::GetAtt'][0].replace(/Urgent$/, '');
      expect(DeadLetterConfig.Arn['Fn::GetAtt'][0]).toBe(`${queue}Dead`);
    }
  });

  test('lets only the rules of a queue write to it and to its dead letters', () => {
    const policies = ofType('AWS::SQS::QueuePolicy')
      .map(([, { Properties }]) => Properties)
      .filter(({ Queues }) => !BULK.test(Queues[0].Ref));
    expect(policies.map(({ Queues }) => Queues[0].Ref).sort()).toEqual(
      ofType('AWS::SQS::Queue')
        .map(([id]) => id)
        // the relay's alarms are written by roles
        .filter((id) => !id.startsWith('EventsDue') && !BULK.test(id))
        .sort(),
    );
    for (const { Queues, PolicyDocument } of policies) {
      const id = Queues[0].Ref;
      const queue = id.replace(/Dead$/, '');
      const twin = id.endsWith('Dead') && template[`${queue}UrgentRule`] ? [`${queue}UrgentRule`] : [];
      // one queue takes what is malformed, too
      const odd = /^AuthServiceDeletionsQueue(Dead)?$/.test(id) ? ['MalformedEventsRule'] : [];
      const rules = [`${queue}Rule`, ...twin, ...odd];
      for (const rule of rules) expect(template[rule]!.Type).toBe('AWS::Events::Rule');
      const arns = rules.map((rule) => ({ 'Fn::GetAtt': [rule, 'Arn'] }));
      expect(PolicyDocument.Statement).toEqual([
        {
          Effect: 'Allow',
          Principal: { Service: 'events.amazonaws.com' },
          Action: 'sqs:SendMessage',
          Resource: { 'Fn::GetAtt': [id, 'Arn'] },
          Condition: { ArnEquals: { 'aws:SourceArn': arns.length === 1 ? arns[0] : arns } },
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

  test('lets Scheduler write to the queue of alarms alone, for this account alone', () => {
    const { AssumeRolePolicyDocument, Policies } = template.EventsDueRole!.Properties;
    const [{ Principal, Condition }] = AssumeRolePolicyDocument.Statement;
    expect(Principal).toEqual({ Service: 'scheduler.amazonaws.com' });
    expect(Condition).toEqual({ StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } });
    expect(Policies[0].PolicyDocument.Statement).toEqual([
      { Effect: 'Allow', Action: ['sqs:SendMessage'], Resource: { 'Fn::GetAtt': ['EventsDueQueue', 'Arn'] } },
    ]);
    const [, , { sqs }] = relay.events;
    expect(sqs.arn).toEqual({ 'Fn::GetAtt': ['EventsDueQueue', 'Arn'] });
    expect(relay.environment.DUE_GROUP).toBe(template.EventsDueGroup!.Properties.Name);
  });

  test('takes events from the relay alone, which may touch the messages, their stream, the bus and its own alarms, and nothing else', () => {
    const AUDIT = [
      ['AuditHeadsTable', 'Arn'],
      ['AuditLinesTable', 'Arn'],
    ];
    const statementsOf = ({ Properties }: Resource) =>
      (Properties.Policies?.[0].PolicyDocument.Statement ?? []) as any[];
    const publishers = ofType('AWS::IAM::Role').filter(([, role]) =>
      statementsOf(role).some(({ Action }) => [Action].flat().includes('events:PutEvents')),
    );
    expect(publishers.map(([id]) => id)).toEqual(['EventsRelayRole']);
    const own = statementsOf(template.EventsRelayRole!).filter(
      ({ Action }) => !/^(logs|xray|secretsmanager):/.test([Action].flat()[0]),
    );
    expect(
      own.map(({ Action, Resource }) => [[Action].flat()[0], [Resource].flat().map((each: any) => each['Fn::GetAtt'])]),
    ).toEqual([
      ['dynamodb:DescribeStream', [['MessagesTable', 'StreamArn']]],
      ['sqs:ReceiveMessage', [['EventsDueQueue', 'Arn']]],
      ['sqs:SendMessage', [['EventsDueQueue', 'Arn']]],
      // the schedules of one group
      ['scheduler:CreateSchedule', [undefined]],
      ['iam:PassRole', [['EventsDueRole', 'Arn']]],
      ['dynamodb:GetItem', [['MetaTable', 'Arn']]],
      // it seals the audit log
      ['dynamodb:GetItem', AUDIT],
      ['dynamodb:Query', [undefined]],
      ['dynamodb:PutItem', AUDIT],
      ['dynamodb:GetItem', [['MessagesTable', 'Arn']]],
      ['events:PutEvents', [['EventBus', 'Arn']]],
    ]);
  });
});
