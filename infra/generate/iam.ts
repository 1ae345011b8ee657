/** One role for each function, with the rights that follow from what its operations declared. */
import type { IamStatement } from '../../shared/kit/adapter.ts';
import { auditHeads, auditLines } from '../../shared/kit/audit-records.ts';
import { reach } from '../../shared/kit/reach.ts';
import { statements, type TableUse } from '../../shared/store/dynamodb/access.ts';
import { PING } from '../../shared/store/dynamodb/ping.ts';
import { MESSAGES, META } from '../../shared/store/dynamodb/tables.ts';
import { awsAdaptersOf } from './adapters.ts';
import { MQ, NETWORK } from './amazon-mq.ts';
import { bulkRights, presignedRights } from './bulk.ts';
import { assumedBy, type Cfn } from './cfn.ts';
import { arn, BUS_ID, deadId, getArn, logicalId, PREFIX, queueId, tableId, urgentId } from './names.ts';
import { type LambdaFunction, schema } from './platform.ts';
import { urgentQueues } from './urgent.ts';

/** `users` is a table, `users/index/by_status` an index of it. */
const tableArns = (resource: string): Cfn => {
  const [name, ...index] = resource.split('/');
  const table = getArn(tableId(name!));
  return index.length ? { 'Fn::Join': ['/', [table, ...index]] } : table;
};

/** Of collections, those that are only counted in and never read: their numbers come with the count. */
const countedIn = new Set(schema.collections.filter(({ counts }) => counts).map(({ name }) => name));

/** What the relay's function changes when it seals the audit log. */
const SEALED = [auditLines.name, auditHeads.name];

/** What a function does with the tables: its operations' declarations and its adapters' own reads. */
const tableUse = (of: LambdaFunction): TableUse => {
  const reached = [...of.operations, ...(of.judges ?? [])].map((op) => reach(op));
  return {
    reads: [
      ...reached.flatMap(({ reads }) => [...reads]),
      ...awsAdaptersOf(of).flatMap(({ reads = [] }) => reads.map(({ name }) => name)),
    ],
    writes: [...reached.flatMap(({ writes }) => [...writes]), ...(of.relay ? SEALED : [])],
    appends: reached.flatMap(({ appends }) => [...appends]),
    counts: countedIn,
    queries: [
      ...reached.flatMap(({ queries }) => [...queries]),
      ...awsAdaptersOf(of).flatMap(({ queries = [] }) => queries),
      ...(of.relay ? [`${auditLines.name}.chain`] : []),
    ],
    ...(reached.some(({ emits }) => emits) && { messages: 'enqueue' as const }),
    ...(of.relay && { messages: 'consume' as const }),
    ...(of.fallback && { messages: 'look' as const }),
  };
};

/** A statement that holds for calls out of this function's code only, whoever may assume its role. */
const allow = (
  { actions, resource, but }: IamStatement,
  functionArn: Cfn,
  conditions: { readonly [operator: string]: Cfn } = {},
): Cfn => ({
  Effect: 'Allow',
  Action: actions,
  ...(but ? { NotResource: but as Cfn } : { Resource: resource as Cfn }),
  Condition: { ArnEquals: { 'lambda:SourceFunctionArn': functionArn }, ...conditions },
});

/** The queues whose messages a function handles: the one that it is named for, and its urgent twin. */
export const sourcesOf = (queue: string): string[] =>
  urgentQueues.has(queue) ? [queueId(queue), urgentId(queue)] : [queueId(queue)];

/** What the sources of a function's events are read with: by Lambda itself, so not under the condition of `allow`. */
const sourceRights = (of: LambdaFunction, functionArn: Cfn): Cfn[] => {
  const allowed = (Action: string[], Resource: Cfn): Cfn[] => [{ Effect: 'Allow', Action, Resource }];
  if (of.queue) {
    const queues = sourcesOf(of.queue).map(getArn);
    return [
      ...allowed(['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'], queues),
      // of the function itself: when a message comes again, and what is given up
      allow({ actions: ['sqs:ChangeMessageVisibility', 'sqs:GetQueueUrl'], resource: queues }, functionArn),
      allow({ actions: ['sqs:SendMessage'], resource: getArn(deadId(of.queue)) }, functionArn),
    ];
  }
  // the mapping reads the broker with the function's role; its network has no names to give rights by
  if (of.bridge) {
    return [
      ...allowed(['mq:DescribeBroker'], MQ.broker_arn),
      ...allowed(['secretsmanager:GetSecretValue'], MQ.secret_arn),
      ...allowed(NETWORK, '*'),
      allow({ actions: ['sqs:SendMessage'], resource: getArn(queueId('bridge.to_rabbitmq')) }, functionArn),
    ];
  }
  if (!of.relay) return [];
  const due = getArn(queueId('events.due'));
  return [
    ...allowed(
      ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator', 'dynamodb:ListStreams'],
      {
        'Fn::GetAtt': [tableId(MESSAGES), 'StreamArn'],
      },
    ),
    ...allowed(['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'], due),
    allow({ actions: ['sqs:SendMessage'], resource: due }, functionArn),
    // schedules are named when they are made, so only their group can be said
    allow(
      { actions: ['scheduler:CreateSchedule'], resource: arn('scheduler', `schedule/${PREFIX}-events-due/*`) },
      functionArn,
    ),
    allow({ actions: ['iam:PassRole'], resource: getArn('EventsDueRole') }, functionArn, {
      StringEquals: { 'iam:PassedToService': 'scheduler.amazonaws.com' },
    }),
  ];
};

/** The log group that the functions of a service share: `auth-login` writes to that of auth. */
export const logGroupOf = ({ name }: LambdaFunction): string => `/aws/lambda/${PREFIX}-${name.split('-')[0]}`;
export const logGroupId = ({ name }: LambdaFunction): string => `${logicalId(name.split('-')[0]!)}LogGroup`;

const rights = (of: LambdaFunction, name: string): Cfn[] => {
  const adapters = awsAdaptersOf(of);
  const functionArn = arn('lambda', `function:${name}`);
  const tables = adapters.some(({ port }) => port === 'store') ? statements(tableUse(of)) : [];
  const owned = adapters.filter(({ port }) => port !== 'store').flatMap(({ iam = [] }) => iam);
  return [
    {
      Effect: 'Allow',
      Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      // a log stream is named by Lambda, so only its group can be said
      Resource: arn('logs', `log-group:${logGroupOf(of)}:*`),
    },
    {
      Effect: 'Allow',
      // X-Ray knows no resources: AWS takes nothing but * here
      Action: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'],
      Resource: '*',
    },
    ...sourceRights(of, functionArn),
    ...tables
      .map(({ actions, resources }) => ({ actions, resource: resources.map(tableArns) }))
      .map((statement) => allow(statement, functionArn)),
    // the health check writes, and only to an item that there is not
    ...(of.fallback
      ? [
          allow({ actions: ['dynamodb:UpdateItem'], resource: tableArns(META) }, functionArn, {
            'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': [PING] },
          }),
        ]
      : []),
    ...owned.map((statement) => allow(statement, functionArn)),
    ...bulkRights(of).map((statement) => allow(statement, functionArn)),
    ...presignedRights(of),
    ...(of.relay || of.bridge === 'eventbridge'
      ? [allow({ actions: ['events:PutEvents'], resource: getArn(BUS_ID) }, functionArn)]
      : []),
  ];
};

/** The role of a function, as a CloudFormation resource. */
export const roleOf = (of: LambdaFunction): Cfn => {
  const name = `${PREFIX}-${of.name}`;
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: assumedBy('lambda'),
      Policies: [{ PolicyName: 'function', PolicyDocument: { Version: '2012-10-17', Statement: rights(of, name) } }],
    },
  };
};
