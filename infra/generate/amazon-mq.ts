/** The bridge's broker: Amazon MQ for RabbitMQ, as `custom.bridge` of serverless.yml names it. */
import { TO_EVENTBRIDGE } from '../../shared/messaging/bridge/carrying.ts';
import type { Cfn } from './cfn.ts';

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: osls fills them in
/** The broker and its login. */
export const MQ = { broker_arn: '${self:custom.bridge.broker_arn}', secret_arn: '${self:custom.bridge.secret_arn}' };

/** RabbitMQ's queue of the bridge, on the broker and with the login that `custom.bridge` names. */
export const AMAZON_MQ = {
  rabbitmq: {
    arn: MQ.broker_arn,
    basicAuthArn: MQ.secret_arn,
    queue: TO_EVENTBRIDGE,
    virtualHost: '/',
    batchSize: 100,
    maximumBatchingWindow: 1,
  },
};

/** CloudFormation puts the login in, so that it stands neither here nor in the template. */
const login = (field: string): string =>
  `{{resolve:secretsmanager:\${self:custom.bridge.secret_arn}:SecretString:${field}}}`;
export const AMAZON_MQ_URL: Cfn = {
  'Fn::Join': ['', ['amqps://', login('username'), ':', login('password'), '@', '${self:custom.bridge.broker_host}']],
};
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: osls fills them in

/**
 * What Lambda needs to reach a broker in a private network.
 *
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html (execution role permissions)
 */
export const NETWORK = [
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSecurityGroups',
  'ec2:DescribeSubnets',
  'ec2:DescribeVpcs',
];
