/** infra/generated/resources.yml: roles, tables, queues, the event bus, the signing key and the secret of serverless.yml. */
import { MESSAGES, tableDefinitions, tableName } from '../../shared/store/dynamodb/tables.ts';
import { busResources, deadId } from './event-bus.ts';
import type { GeneratedFile, Generator } from './files.ts';
import { toYaml, VISIBILITY } from './functions.ts';
import { type Cfn, PREFIX, queueId, roleId, roleOf, tableId } from './iam.ts';
import { consumedQueues, lambdaFunctions, schema } from './platform.ts';

type Resources = Record<string, Cfn>;

/** Tries of a message before it is moved to the dead letters. */
const TRIES = 5;
const DAY = 86_400;

const tables = (): Resources =>
  Object.fromEntries(
    tableDefinitions(PREFIX, schema).map((table) => [
      tableId(table.TableName.slice(PREFIX.length + 1)),
      {
        Type: 'AWS::DynamoDB::Table',
        DeletionPolicy: 'Retain',
        UpdateReplacePolicy: 'Retain',
        Properties: {
          ...(table as unknown as Record<string, Cfn>),
          // the relay is told that there is something; it reads what by itself
          ...(table.TableName === tableName(PREFIX, MESSAGES) && {
            StreamSpecification: { StreamViewType: 'KEYS_ONLY' },
          }),
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
          SSESpecification: { SSEEnabled: true },
        },
      },
    ]),
  );

const queues = (): Resources =>
  Object.fromEntries(
    consumedQueues.flatMap(({ name: queue }) => {
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
        [
          queueId(queue),
          {
            Type: 'AWS::SQS::Queue',
            Properties: {
              QueueName: name,
              MessageRetentionPeriod: DAY,
              VisibilityTimeout: VISIBILITY,
              SqsManagedSseEnabled: true,
              RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': [dead, 'Arn'] }, maxReceiveCount: TRIES },
            },
          },
        ],
      ];
    }),
  );

const account: Cfn = {
  'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':iam::', { Ref: 'AWS::AccountId' }, ':root']],
};

/** Private keys never leave KMS; the account's administrators care for the key, functions use it by their own roles. */
const signingKey: Cfn = {
  Type: 'AWS::KMS::Key',
  DeletionPolicy: 'Retain',
  UpdateReplacePolicy: 'Retain',
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

/** Made by AWS at the first deployment; functions get it when they are deployed, so nothing reads it at run time. */
const platformSecret: Cfn = {
  Type: 'AWS::SecretsManager::Secret',
  DeletionPolicy: 'Retain',
  UpdateReplacePolicy: 'Retain',
  Properties: {
    Name: `${PREFIX}-platform`,
    Description: 'Master secret of perfect21: cursors, refresh tokens and seals derive from it',
    GenerateSecretString: { PasswordLength: 64, ExcludePunctuation: true },
  },
};

export const resources: Generator = {
  generate: (): GeneratedFile[] => {
    const roles = Object.fromEntries(lambdaFunctions.map((of) => [roleId(of.name), roleOf(of)]));
    const Resources = {
      ...tables(),
      ...queues(),
      ...busResources(),
      SigningKey: signingKey,
      PlatformSecret: platformSecret,
      ...roles,
    };
    return [{ path: 'infra/generated/resources.yml', content: toYaml({ Resources }) }];
  },
};
