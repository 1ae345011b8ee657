/** What the resources of a deployment are called, and how one refers to another. */
import type { Cfn } from './cfn.ts';

/** Names of this deployment begin so; osls fills the stage in. */
export const PREFIX = `\${self:service}-\${sls:stage}`;

/** `auth-login` → `AuthLogin`: a CloudFormation logical id. */
export const logicalId = (name: string): string =>
  name
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');

export const roleId = (name: string): string => `${logicalId(name)}Role`;
export const tableId = (name: string): string => `${logicalId(name)}Table`;
export const BUS_ID = 'EventBus';
export const queueId = (queue: string): string => `${logicalId(queue)}Queue`;
/** The twin of a queue that takes its urgent events. */
export const urgentId = (queue: string): string => `${queueId(queue)}Urgent`;
/** The queue's dead letters: what its function gave up, and what EventBridge could not deliver to it. */
export const deadId = (queue: string): string => `${queueId(queue)}Dead`;

/** An ARN of this account and region. */
export const arn = (service: string, resource: string): Cfn => ({
  'Fn::Join': [
    ':',
    ['arn', { Ref: 'AWS::Partition' }, service, { Ref: 'AWS::Region' }, { Ref: 'AWS::AccountId' }, resource],
  ],
});

export const getArn = (id: string): Cfn => ({ 'Fn::GetAtt': [id, 'Arn'] });
