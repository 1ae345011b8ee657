/** What calls the relay when an event with a delay is due: a queue with delays of its own, and schedules beyond those. */

import { assumedBy, type Cfn } from './cfn.ts';
import { getArn, PREFIX, queueId } from './names.ts';

export const DUE = queueId('events.due');
export const DUE_ROLE = 'EventsDueRole';
/** Schedules are made at run time in this group, which holds nothing else. */
export const DUE_GROUP = `${PREFIX}-events-due`;
const GROUP_ID = 'EventsDueGroup';

const DAY = 86_400;

/** By logical id. `visibility`: seconds that a message stays hidden while the relay looks. */
export const dueResources = (visibility: number): Record<string, Cfn> => ({
  [`${DUE}Dead`]: {
    Type: 'AWS::SQS::Queue',
    Properties: { QueueName: `${PREFIX}-events-due-dead`, MessageRetentionPeriod: DAY, SqsManagedSseEnabled: true },
  },
  [DUE]: {
    Type: 'AWS::SQS::Queue',
    Properties: {
      QueueName: `${PREFIX}-events-due`,
      MessageRetentionPeriod: 3600,
      VisibilityTimeout: visibility,
      SqsManagedSseEnabled: true,
      RedrivePolicy: { deadLetterTargetArn: getArn(`${DUE}Dead`), maxReceiveCount: 3 },
    },
  },
  [GROUP_ID]: { Type: 'AWS::Scheduler::ScheduleGroup', Properties: { Name: DUE_GROUP } },
  // what Scheduler itself writes to the queue as
  [DUE_ROLE]: {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: assumedBy('scheduler', {
        StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
      }),
      Policies: [
        {
          PolicyName: 'due',
          PolicyDocument: {
            Version: '2012-10-17',
            Statement: [{ Effect: 'Allow', Action: ['sqs:SendMessage'], Resource: getArn(DUE) }],
          },
        },
      ],
    },
  },
});
