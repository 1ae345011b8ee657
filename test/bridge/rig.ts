/** Both sides of a bridge: a real RabbitMQ, an EventBridge with one rule, and an SQS queue with dead letters behind it. */

import type { AnyEnvelope } from '../../shared/messaging/envelope.ts';
import { entryOf } from '../../shared/messaging/eventbridge/entry.ts';
import { compileBindings } from '../../shared/messaging/eventbridge/pattern.ts';
import { startEventBridge } from '../engines/eventbridge.ts';
import { startRabbitmq } from '../engines/rabbitmq.ts';
import { startSqs } from '../engines/sqs.ts';
import { awsEnvironment } from '../support/aws.ts';

export const BUS = 'perfect21-events';
export const QUEUE = 'perfect21-bridge';
export const DEAD_QUEUE = `${QUEUE}-dead`;

const queue = (dead?: string) => ({
  Type: 'AWS::SQS::Queue',
  Properties: dead
    ? { RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': [dead, 'Arn'] }, maxReceiveCount: 1000 } }
    : {},
});

/** A consumer on EventBridge's side: what its own rule brings it. */
export const CONSUMER = 'notifications';

/** Starts both sides. `putEvent` publishes on EventBridge as the relay of a platform there does. */
export const startSides = async () => {
  const [rabbit, sqs] = await Promise.all([
    startRabbitmq(),
    startSqs({ [QUEUE]: queue(DEAD_QUEUE), [DEAD_QUEUE]: queue(), [CONSUMER]: queue() }, { visibility: 5 }),
  ]);
  const everything = { pattern: compileBindings(['#']), target: QUEUE };
  const rules = [everything, { pattern: compileBindings(['user.events.*']), target: CONSUMER }];
  const eventBridge = await startEventBridge({ bus: BUS, rules, deliver: sqs.send });
  const environment = awsEnvironment({ EVENTBRIDGE: eventBridge.endpoint, SQS: sqs.endpoint });
  return {
    rabbit,
    sqs,
    eventBridge,
    environment,
    putEvent: async (envelope: AnyEnvelope, routing_key: string, priority = 0): Promise<void> => {
      const entry = entryOf({ body: { envelope, routing_key, priority } } as any, BUS);
      if (typeof entry === 'string') throw new Error(entry);
      const { Source, DetailType, Detail } = entry;
      const frame = { version: '0', id: 'x', source: Source, 'detail-type': DetailType, detail: JSON.parse(Detail!) };
      await sqs.send(QUEUE, JSON.stringify(frame));
    },
    close: async () => {
      await Promise.all([rabbit.close(), sqs.close(), eventBridge.close()]);
    },
  };
};
export type Sides = Awaited<ReturnType<typeof startSides>>;
