/** infra/generated/resources.yml: roles, tables, queues, the event bus, the signing key and the secret of serverless.yml. */

import { MAX_ATTEMPTS } from '../../shared/messaging/backoff.ts';
import { MESSAGES, tableDefinitions, tableName } from '../../shared/store/dynamodb/tables.ts';
import { apiConditions, apiOutputs, apiResources } from './api.ts';
import { bulkResources } from './bulk.ts';
import type { Cfn } from './cfn.ts';
import { dueResources } from './due.ts';
import { busResources } from './event-bus.ts';
import type { GeneratedFile, Generator } from './files.ts';
import { BULK_VISIBILITY, RELAY_VISIBILITY, toYaml, VISIBILITY } from './functions.ts';
import { logGroupId, logGroupOf, roleOf, sourcesOf } from './iam.ts';
import { deadId, PREFIX, roleId, tableId, urgentId } from './names.ts';
import { bulkFunctions, consumedQueues, type LambdaFunction, lambdaFunctions, schema } from './platform.ts';
import { socketConditions, socketOutputs, socketResources } from './sockets.ts';
import { watchConditions, watchOutputs, watchResources } from './watch.ts';

type Resources = Record<string, Cfn>;

/** Tries of a message before SQS moves it to the dead letters: the function parks it before, with the reason. */
const TRIES = MAX_ATTEMPTS + 1;
const DAY = 86_400;
/** SQS drops what is older without a word; functions park what is older than a message may get (shared/doors/lambda/retries.ts). */
const KEPT_DAYS = 14;

/** Kept when the stack goes; but not what a deployment made that then failed, or the next one meets its name. */
const KEPT = { DeletionPolicy: 'RetainExceptOnCreate', UpdateReplacePolicy: 'Retain' };

const tables = (): Resources =>
  Object.fromEntries(
    tableDefinitions(PREFIX, schema).map((table) => [
      tableId(table.TableName.slice(PREFIX.length + 1)),
      {
        Type: 'AWS::DynamoDB::Table',
        ...KEPT,
        Properties: {
          ...(table as unknown as Record<string, Cfn>),
          // the relay is told that there is something; it reads what by itself
          ...(table.TableName === tableName(PREFIX, MESSAGES) && {
            StreamSpecification: { StreamViewType: 'KEYS_ONLY' },
          }),
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
          SSESpecification: { SSEEnabled: true },
          DeletionProtectionEnabled: PROTECTED,
        },
      },
    ]),
  );

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: osls fills them in
/** Against a mistake of whoever may remove tables; `off` where a stack is for a while. */
const PROTECTED = '${self:custom.place.deletion_protection}';
/** Days that logs are kept. */
const LOGS_KEPT = '${self:custom.place.log_days}';
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: osls fills them in

/** A queue with its dead letters and, where it has one, its urgent twin. */
export const queueOf = (queue: string, { tries = TRIES, visibility = VISIBILITY } = {}): [string, Cfn][] => {
  const dead = deadId(queue);
  const name = `${PREFIX}-${queue.replaceAll('.', '-')}`;
  return [
    [
      dead,
      {
        Type: 'AWS::SQS::Queue',
        Properties: { QueueName: `${name}-dead`, MessageRetentionPeriod: 14 * DAY, SqsManagedSseEnabled: true },
      },
    ],
    ...sourcesOf(queue).map((source): [string, Cfn] => [
      source,
      {
        Type: 'AWS::SQS::Queue',
        Properties: {
          QueueName: source === urgentId(queue) ? `${name}-urgent` : name,
          MessageRetentionPeriod: KEPT_DAYS * DAY,
          VisibilityTimeout: visibility,
          SqsManagedSseEnabled: true,
          RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': [dead, 'Arn'] }, maxReceiveCount: tries },
        },
      },
    ]),
  ];
};

const queues = (): Resources =>
  Object.fromEntries([
    ...consumedQueues.flatMap(({ name }) => queueOf(name)),
    ...bulkFunctions.flatMap(({ queue }) => queueOf(queue!, { visibility: BULK_VISIBILITY })),
  ]);

export const logGroups = (functions: readonly LambdaFunction[]): Resources =>
  Object.fromEntries(
    functions.map((of) => [
      logGroupId(of),
      { Type: 'AWS::Logs::LogGroup', Properties: { LogGroupName: logGroupOf(of), RetentionInDays: LOGS_KEPT } },
    ]),
  );

const account: Cfn = {
  'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':iam::', { Ref: 'AWS::AccountId' }, ':root']],
};

/** Private keys never leave KMS; the account's administrators care for the key, functions use it by their own roles. */
const signingKey: Cfn = {
  Type: 'AWS::KMS::Key',
  ...KEPT,
  Properties: {
    Description: 'Signs the access tokens of perfect21',
    KeySpec: 'RSA_2048',
    KeyUsage: 'SIGN_VERIFY',
    KeyPolicy: {
      Version: '2012-10-17',
      // in a key's own policy * is this key
      Statement: [{ Sid: 'Account', Effect: 'Allow', Principal: { AWS: account }, Action: 'kms:*', Resource: '*' }],
    },
  },
};

/** Made by AWS at the first deployment; functions read it when they start. */
const platformSecret: Cfn = {
  Type: 'AWS::SecretsManager::Secret',
  ...KEPT,
  Properties: {
    Name: `${PREFIX}-platform`,
    Description: 'Master secret of perfect21: cursors, refresh tokens and seals derive from it',
    GenerateSecretString: { PasswordLength: 64, ExcludePunctuation: true },
  },
};

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: osls fills them in
/** How many of the calls X-Ray hears of: the first of each second, and a part of the others. Lambda asks it for each call that comes without a decision. */
const samplingRule: Cfn = {
  Type: 'AWS::XRay::SamplingRule',
  Properties: {
    SamplingRule: {
      RuleName: PREFIX,
      ServiceName: `${PREFIX}-*`,
      Priority: 1000,
      ReservoirSize: 1,
      FixedRate: '${self:custom.trace_sample}',
      ServiceType: '*',
      Host: '*',
      HTTPMethod: '*',
      URLPath: '*',
      ResourceARN: '*',
      Version: 1,
    },
  },
};
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: osls fills them in

export const resources: Generator = {
  generate: (): GeneratedFile[] => {
    const roles = Object.fromEntries(lambdaFunctions.map((of) => [roleId(of.name), roleOf(of)]));
    const Resources = {
      ...tables(),
      ...queues(),
      ...busResources(),
      ...bulkResources(),
      ...apiResources(),
      ...socketResources(),
      ...watchResources(),
      ...logGroups(lambdaFunctions),
      ...dueResources(RELAY_VISIBILITY),
      SamplingRule: samplingRule,
      SigningKey: signingKey,
      PlatformSecret: platformSecret,
      ...roles,
    };
    const Conditions = { ...apiConditions, ...socketConditions, ...watchConditions };
    return [
      {
        path: 'infra/generated/resources.yml',
        content: toYaml({ Conditions, Resources, Outputs: { ...apiOutputs, ...socketOutputs, ...watchOutputs } }),
      },
    ];
  },
};
