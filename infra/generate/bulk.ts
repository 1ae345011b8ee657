/** The bucket that rows go through where doors can't stream, and who may do what there. */
import type { IamStatement } from '../../shared/kit/adapter.ts';
import type { Operation } from '../../shared/kit/operation.ts';
import { isStream } from '../../shared/kit/stream.ts';
import type { Cfn } from './cfn.ts';
import { getArn, PREFIX, queueId } from './names.ts';
import { bulkFunctions, bulkQueueOf, type LambdaFunction } from './platform.ts';

export const BUCKET = 'BulkBucket';

/** Ms for which an address may be used at most, whatever it says itself. */
const ADDRESS_MS = 900_000;

// names of buckets are those of the whole world; one that is made up could not be named by the queue's policy
const bucketName: Cfn = {
  'Fn::Join': ['-', [`${PREFIX}-bulk`, { Ref: 'AWS::AccountId' }, { Ref: 'AWS::Region' }]],
};
const bucketArn: Cfn = { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':s3:::', bucketName]] };
const objects = (folder: string): Cfn => ({ 'Fn::Join': ['', [bucketArn, `/${folder}/*`]] });

const takesRows = (op: Operation<any, any>): boolean => isStream(op.input);

/** What a function of rows does itself. */
export const bulkRights = (of: LambdaFunction): IamStatement[] => {
  if (!of.bulk && !of.asks) return [];
  const jobs = { actions: ['s3:GetObject', 's3:PutObject'], resource: objects('jobs') };
  const wake = { actions: ['sqs:SendMessage'], resource: getArn(queueId(bulkQueueOf(of.operations[0]!))) };
  // the bucket itself tells of rows that came in
  if (of.asks) return takesRows(of.asks) ? [jobs] : [jobs, wake];
  return [
    ...[jobs, wake],
    { actions: ['s3:PutObject'], resource: objects('results') },
    ...(of.operations.some(takesRows)
      ? [{ actions: ['s3:GetObject', 's3:DeleteObject'], resource: objects('uploads') }]
      : []),
  ];
};

/** What others do by the addresses that it signs: not code of the function, so bound to the kind of signature and its age. */
export const presignedRights = (of: LambdaFunction): Cfn[] => {
  if (!of.asks) return [];
  const statement = (Action: string, folder: string): Cfn => ({
    Effect: 'Allow',
    Action: [Action],
    Resource: objects(folder),
    Condition: {
      StringEquals: { 's3:authType': 'REST-QUERY-STRING' },
      NumericLessThanEquals: { 's3:signatureAge': ADDRESS_MS },
    },
  });
  return [statement('s3:GetObject', 'results'), ...(takesRows(of.asks) ? [statement('s3:PutObject', 'uploads')] : [])];
};

const bucket = (uploads: readonly string[]): Cfn => ({
  Type: 'AWS::S3::Bucket',
  DependsOn: uploads.map((queue) => `${queueId(queue)}Policy`),
  DeletionPolicy: 'RetainExceptOnCreate',
  UpdateReplacePolicy: 'Retain',
  Properties: {
    BucketName: bucketName,
    BucketEncryption: {
      ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
    },
    OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
    PublicAccessBlockConfiguration: {
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    },
    LifecycleConfiguration: {
      Rules: [
        {
          Id: 'a-day',
          Status: 'Enabled',
          ExpirationInDays: 1,
          AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
        },
      ],
    },
    NotificationConfiguration: {
      QueueConfigurations: uploads.map((queue) => ({
        Event: 's3:ObjectCreated:*',
        Filter: { S3Key: { Rules: [{ Name: 'prefix', Value: 'uploads/' }] } },
        Queue: getArn(queueId(queue)),
      })),
    },
  },
});

const bucketPolicy: Cfn = {
  Type: 'AWS::S3::BucketPolicy',
  Properties: {
    Bucket: { Ref: BUCKET },
    PolicyDocument: {
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'TlsOnly',
          Effect: 'Deny',
          Principal: '*',
          Action: 's3:*',
          Resource: [bucketArn, { 'Fn::Join': ['', [bucketArn, '/*']] }],
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        },
      ],
    },
  },
};

/** Only the bucket of this account writes to the queue, beside who has a right of its own. */
const queuePolicy = (queue: string): [string, Cfn] => [
  `${queueId(queue)}Policy`,
  {
    Type: 'AWS::SQS::QueuePolicy',
    Properties: {
      Queues: [{ Ref: queueId(queue) }],
      PolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: { Service: 's3.amazonaws.com' },
            Action: 'sqs:SendMessage',
            Resource: getArn(queueId(queue)),
            Condition: {
              ArnEquals: { 'aws:SourceArn': bucketArn },
              StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
            },
          },
        ],
      },
    },
  },
];

/** By logical id. Uploads of all services would wake one queue: so far one service has them. */
export const bulkResources = (): Record<string, Cfn> => {
  const uploads = bulkFunctions.filter(({ operations }) => operations.some(takesRows)).map(({ queue }) => queue!);
  if (uploads.length > 1) throw new Error('rows of several services come in: give each a folder of its own in bulk.ts');
  return {
    [BUCKET]: bucket(uploads),
    BulkBucketPolicy: bucketPolicy,
    ...Object.fromEntries(uploads.map(queuePolicy)),
  };
};
