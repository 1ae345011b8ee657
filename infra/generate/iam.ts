/** One role for each function, with the rights that follow from what its operations declared. */
import type { IamStatement } from '../../shared/adapter.ts';
import { reach } from '../../shared/operation.ts';
import { statements, type TableUse } from '../../shared/store/dynamodb/access.ts';
import { MESSAGES } from '../../shared/store/dynamodb/tables.ts';
import { awsAdaptersOf } from './adapters.ts';
import { type LambdaFunction, logicalId, schema } from './platform.ts';

export type Cfn = string | number | boolean | readonly Cfn[] | { readonly [key: string]: Cfn };

/** Names of this deployment begin so; osls fills the stage in. */
export const PREFIX = `\${self:service}-\${sls:stage}`;

export const roleId = (name: string): string => `${logicalId(name)}Role`;
export const tableId = (name: string): string => `${logicalId(name)}Table`;
export const BUS_ID = 'EventBus';
export const queueId = (queue: string): string => `${logicalId(queue)}Queue`;

/** An ARN of this account and region. */
const arn = (service: string, resource: string): Cfn => ({
  'Fn::Join': [
    ':',
    ['arn', { Ref: 'AWS::Partition' }, service, { Ref: 'AWS::Region' }, { Ref: 'AWS::AccountId' }, resource],
  ],
});

export const getArn = (id: string): Cfn => ({ 'Fn::GetAtt': [id, 'Arn'] });

/** `users` is a table, `users/index/*` all indexes that are declared for it, so that no right covers more. */
const tableArns = (resource: string): Cfn[] => {
  const [name, ...rest] = resource.split('/');
  if (rest.length === 0) return [getArn(tableId(name!))];
  const indexes = schema.collections.find((collection) => collection.name === name)?.indexes ?? {};
  return Object.keys(indexes).map((index) => ({ 'Fn::Join': ['/', [getArn(tableId(name!)), 'index', index]] }));
};

/** What a function does with the tables: its operations' declarations and its adapters' own reads. */
const tableUse = (of: LambdaFunction): TableUse => {
  const reached = of.operations.map(reach);
  return {
    reads: [
      ...reached.flatMap(({ reads }) => [...reads]),
      ...awsAdaptersOf(of).flatMap(({ reads = [] }) => reads.map(({ name }) => name)),
    ],
    writes: reached.flatMap(({ writes }) => [...writes]),
    ...(reached.some(({ emits }) => emits) && { messages: 'enqueue' as const }),
    ...(of.relay && { messages: 'consume' as const }),
  };
};

/** A statement that holds for calls out of this function's code only, whoever may assume its role. */
const allow = ({ actions, resource }: IamStatement, functionArn: Cfn): Cfn => ({
  Effect: 'Allow',
  Action: actions,
  Resource: resource as Cfn,
  Condition: { ArnEquals: { 'lambda:SourceFunctionArn': functionArn } },
});

/** What the sources of a function's events are read with: by Lambda itself, so not under the condition of `allow`. */
const sourceRights = (of: LambdaFunction): Cfn[] => {
  const allowed = (Action: string[], Resource: Cfn): Cfn[] => [{ Effect: 'Allow', Action, Resource }];
  if (of.queue) {
    return allowed(['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'], getArn(queueId(of.queue)));
  }
  if (!of.relay) return [];
  return allowed(
    ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator', 'dynamodb:ListStreams'],
    { 'Fn::GetAtt': [tableId(MESSAGES), 'StreamArn'] },
  );
};

const rights = (of: LambdaFunction, name: string): Cfn[] => {
  const adapters = awsAdaptersOf(of);
  const functionArn = arn('lambda', `function:${name}`);
  const tables = adapters.some(({ port }) => port === 'store') ? statements(tableUse(of)) : [];
  // who only verifies tokens has no use for the private key
  const signs = adapters.some(({ port }) => port === 'tokens');
  const owned = adapters
    .filter(({ port }) => port !== 'store')
    .flatMap(({ iam = [] }) => iam)
    .map(({ actions, resource }) => ({
      actions: actions.filter((action) => signs || action !== 'kms:Sign'),
      resource,
    }));
  return [
    {
      Effect: 'Allow',
      Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      // a log stream is named by Lambda, so only its group can be said
      Resource: arn('logs', `log-group:/aws/lambda/${name}:*`),
    },
    {
      Effect: 'Allow',
      // X-Ray knows no resources: AWS takes nothing but * here
      Action: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'],
      Resource: '*',
    },
    ...sourceRights(of),
    ...tables
      .map(({ actions, resources }) => ({ actions, resource: resources.flatMap(tableArns) }))
      .filter(({ resource }) => resource.length > 0)
      .map((statement) => allow(statement, functionArn)),
    ...owned.map((statement) => allow(statement, functionArn)),
    ...(of.relay ? [allow({ actions: ['events:PutEvents'], resource: getArn(BUS_ID) }, functionArn)] : []),
  ];
};

/** The role of a function, as a CloudFormation resource. */
export const roleOf = (of: LambdaFunction): Cfn => {
  const name = `${PREFIX}-${of.name}`;
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
      },
      Policies: [{ PolicyName: 'function', PolicyDocument: { Version: '2012-10-17', Statement: rights(of, name) } }],
    },
  };
};
