/** The queues and rules of a deployment on doubles of SQS and EventBridge, for the operator's command. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { startFauxqs } from 'fauxqs';
import { platform } from '../../functions/index.ts';
import { awsLayout } from '../../infra/operator/aws-layout.ts';
import { queueUrl } from '../../shared/messaging/eventbridge/sqs.ts';
import { topologyOf } from '../../shared/messaging/topology.ts';
import { startEventBridge } from '../engines/eventbridge.ts';
import { ruleControl } from '../engines/eventbridge-rules.ts';
import { awsEnvironment } from '../support/aws.ts';
import { testEnvironment } from '../support/platform.ts';

const REGION = 'eu-central-1';
export const BUS = 'perfect21-events';
export const PREFIX = 'perfect21-test';
export const layout = awsLayout(PREFIX, BUS, topologyOf(platform));

const OPTIONAL = layout.queues.filter(({ optional }) => optional);

/** Starts both and makes what the template names, but for a bridge. */
export const startAws = async () => {
  const server = await startFauxqs({ port: 0, host: '127.0.0.1', defaultRegion: REGION, logger: false });
  const endpoint = `http://127.0.0.1:${server.port}`;
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new SQSClient({ endpoint, useQueueUrlAsEndpoint: false, region: REGION, credentials });
  const urls = new Map<string, string>();
  const makeQueue = (name: string, attributes: Record<string, string> = {}): string => {
    const { queueUrl, queueArn } = server.createQueue(name, { region: REGION, attributes });
    urls.set(name, queueUrl);
    return queueArn;
  };
  const send = async (name: string, MessageBody: string): Promise<void> => {
    const QueueUrl = urls.get(name) ?? (await queueUrl(client, name));
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody }));
  };
  const { rules, control, standing } = ruleControl();
  const bridge = await startEventBridge({ bus: BUS, rules, control, deliver: send });
  const arns = new Map<string, string>();
  const make = ({ queues, rules }: Pick<typeof layout, 'queues' | 'rules'>): void => {
    for (const { sqs, urgent, dead } of queues) {
      const deadLetterTargetArn = makeQueue(dead);
      const RedrivePolicy = JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 2 });
      for (const name of [sqs, urgent]) if (name) arns.set(name, makeQueue(name, { RedrivePolicy }));
    }
    for (const { to, pattern } of rules.filter((rule) => arns.has(rule.to))) {
      // one queue also takes what is malformed
      const Name = standing.has(`rule-of-${to}`) ? `another-rule-of-${to}` : `rule-of-${to}`;
      control('PutRule', { Name, EventPattern: JSON.stringify(pattern), State: 'ENABLED' });
      control('PutTargets', { Rule: Name, Targets: [{ Id: 'queue', Arn: arns.get(to) }] });
    }
  };
  make({ ...layout, queues: layout.queues.filter(({ optional }) => !optional) });

  const folder = mkdtempSync(join(tmpdir(), 'perfect21-operator-'));
  writeFileSync(join(folder, 'perfect21.db'), '');
  const bodies = (name: string): string[] => {
    const { ready, delayed, inflight } = server.inspectQueue(name)!.messages;
    return [...ready, ...delayed, ...inflight.map(({ message }) => message)].map(({ body }) => body);
  };
  return {
    /** Makes the bridge of the deployment, or the one that a process uses. */
    makeBridge: (of: Pick<typeof layout, 'queues' | 'rules'> = layout) =>
      make({ ...of, queues: of.queues.filter((queue) => of !== layout || OPTIONAL.includes(queue)) }),
    standing,
    control,
    send,
    bodies,
    /** Takes messages as a consumer that dies with them, until the queue gives them up. */
    die: async (name: string): Promise<void> => {
      const request = { QueueUrl: urls.get(name), MaxNumberOfMessages: 10, VisibilityTimeout: 0 };
      while (bodies(name).length > 0) await client.send(new ReceiveMessageCommand(request));
    },
    remove: (name: string): void => void server.deleteQueue(name, { region: REGION }),
    env: testEnvironment(folder, {
      BUS_URL: `eventbridge://${BUS}`,
      ...awsEnvironment({ SQS: endpoint, EVENTBRIDGE: bridge.endpoint }),
    }),
    close: async () => {
      client.destroy();
      await bridge.close();
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
