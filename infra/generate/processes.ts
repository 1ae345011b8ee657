/**
 * infra/generated/processes.yml: what a process needs that runs beside the functions of this stack, such as one that holds
 * WebSockets. serverless.yml takes `on` or `off` of it; the process's own role (of ECS, of EC2) gets the policy.
 */
import { HEARS } from '../../shared/messaging/eventbridge/own-queue.ts';
import type { Cfn } from './cfn.ts';
import type { GeneratedFile, Generator } from './files.ts';
import { toYaml } from './functions.ts';
import { arn, BUS_ID, getArn } from './names.ts';

const RULES = arn('events', `rule/\${self:custom.environment.BUS_NAME}/${HEARS}*`);
const QUEUES = arn('sqs', `${HEARS}*`);

const allow = (Action: string[], Resource: Cfn, Condition?: Cfn): Cfn => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...(Condition && { Condition }),
});

/** To publish, and to hear what every process hears through a queue and a rule of its own, made and removed by itself. */
const statements: Cfn[] = [
  allow(['events:PutEvents'], getArn(BUS_ID)),
  allow(['events:PutRule', 'events:RemoveTargets', 'events:DeleteRule'], RULES),
  // copies go to such queues and nowhere else
  allow(['events:PutTargets'], RULES, { 'ForAllValues:ArnLike': { 'events:TargetArn': QUEUES } }),
  // EventBridge knows no resource for it
  allow(['events:ListRules'], '*'),
  allow(
    [
      'sqs:CreateQueue',
      'sqs:DeleteQueue',
      'sqs:GetQueueAttributes',
      'sqs:SetQueueAttributes',
      'sqs:GetQueueUrl',
      'sqs:ReceiveMessage',
      'sqs:DeleteMessage',
    ],
    QUEUES,
  ),
];

const policy: Cfn = {
  Type: 'AWS::IAM::ManagedPolicy',
  Properties: {
    Description: 'For processes of perfect21 beside its functions: publish events, and hear what every process hears',
    PolicyDocument: { Version: '2012-10-17', Statement: statements },
  },
};

export const processes: Generator = {
  generate: (): GeneratedFile[] => {
    const on = {
      resources: {
        Resources: { ProcessPolicy: policy },
        Outputs: {
          ProcessPolicyArn: { Description: 'Attach it to the role of processes', Value: { Ref: 'ProcessPolicy' } },
        },
      },
    };
    return [{ path: 'infra/generated/processes.yml', content: toYaml({ off: { resources: { Resources: {} } }, on }) }];
  },
};
