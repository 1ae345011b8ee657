/** SQS for tests: fauxqs on a free port, the queues of a template, and what Lambda does between a queue and its function. */
import {
  DeleteMessageCommand,
  GetQueueUrlCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { startFauxqs } from 'fauxqs';

const REGION = 'eu-central-1';

type Resources = Record<string, { Type: string; Properties?: any }>;

const recordOf = (message: Message, arn: string): SQSEvent['Records'][number] => ({
  messageId: message.MessageId!,
  receiptHandle: message.ReceiptHandle!,
  body: message.Body!,
  attributes: message.Attributes as any,
  messageAttributes: {},
  md5OfBody: message.MD5OfBody!,
  eventSource: 'aws:sqs',
  eventSourceARN: arn,
  awsRegion: REGION,
});

/**
 * Starts it. Queues have their logical ids as names; a message is given again at once, so that tests don't wait, unless
 * `visibility` says after how many seconds.
 */
export const startSqs = async (resources: Resources, { visibility = 0 }: { visibility?: number } = {}) => {
  const server = await startFauxqs({ port: 0, host: '127.0.0.1', defaultRegion: REGION, logger: false });
  const endpoint = `http://127.0.0.1:${server.port}`;
  const client = new SQSClient({
    endpoint,
    // its URLs name hosts that need a resolver
    useQueueUrlAsEndpoint: false,
    region: REGION,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const queues = new Map<string, { url: string; arn: string }>();
  const found = Object.entries(resources).filter(([, { Type }]) => Type === 'AWS::SQS::Queue');
  // dead letters first: others name them
  for (const [id, { Properties }] of found.sort(([, a]) => (a.Properties.RedrivePolicy ? 1 : -1))) {
    const { RedrivePolicy: redrive } = Properties;
    const attributes: Record<string, string> = { VisibilityTimeout: String(visibility) };
    if (redrive) {
      const deadLetterTargetArn = queues.get(redrive.deadLetterTargetArn['Fn::GetAtt'][0])!.arn;
      attributes.RedrivePolicy = JSON.stringify({ ...redrive, deadLetterTargetArn });
    }
    const { queueUrl, queueArn } = server.createQueue(id, { region: REGION, attributes });
    queues.set(id, { url: queueUrl, arn: queueArn });
  }
  const queue = (id: string) => {
    const known = queues.get(id);
    if (!known) throw new Error(`the template has no queue ${id}`);
    return known;
  };
  return {
    endpoint,
    url: (id: string): string => queue(id).url,
    /** The queue as the server has it. */
    inspect: (id: string) => server.inspectQueue(id)!.messages,
    send: async (id: string, body: string): Promise<void> =>
      void (await client.send(new SendMessageCommand({ QueueUrl: queue(id).url, MessageBody: body }))),
    /** To a queue by its name, also one that a client made. */
    sendTo: async (name: string, MessageBody: string): Promise<void> => {
      const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: name }));
      await client.send(new SendMessageCommand({ QueueUrl, MessageBody }));
    },
    /** Bodies that wait in a queue. */
    waiting: (id: string): string[] => {
      const { ready, delayed, inflight } = server.inspectQueue(id)!.messages;
      return [...ready, ...delayed, ...inflight.map(({ message }) => message)].map(({ body }) => body);
    },
    /** Gives a queue's messages to its function until none is left, and removes what it does not name as failed. */
    drain: async (id: string, handler: (event: SQSEvent) => Promise<SQSBatchResponse>): Promise<void> => {
      const { url, arn } = queue(id);
      for (;;) {
        const { Messages = [] } = await client.send(
          new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10, MessageSystemAttributeNames: ['All'] }),
        );
        if (Messages.length === 0) return;
        const { batchItemFailures } = await handler({ Records: Messages.map((each) => recordOf(each, arn)) });
        const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
        for (const { MessageId, ReceiptHandle } of Messages) {
          if (!failed.has(MessageId!)) await client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle }));
        }
      }
    },
    close: async () => {
      client.destroy();
      await server.stop();
    },
  };
};
