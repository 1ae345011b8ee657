/** An SQS queue as a consumer sees it: what becomes of a message that could not be handled. */
import type { Message, SQSClient, SQSClientConfig } from '@aws-sdk/client-sqs';
import { RETRY_STEPS } from '../backoff.ts';

const TRY_MS = 3_000;

/** What SQS tells of a message beside its content. */
export interface Received {
  body: string;
  receipt: string;
  /** How often it was received, this time included. */
  attempts: number;
  /** Unix ms; left out where SQS was not asked. */
  sent_at?: number;
}

/** Attributes of a dead letter: why, after how many tries, out of which queue, when (ISO 8601). */
export const LETTER = ['reason', 'attempts', 'from', 'parked_at'] as const;

export interface SqsQueue {
  /** Waits up to `wait_s` seconds for messages, ten at most. */
  receive(wait_s: number): Promise<Received[]>;
  remove(message: Received): Promise<void>;
  /** Lets a message come again after the wait that its number of tries asks for. */
  retry(message: Received, random?: number): Promise<void>;
  /** Writes a message to the dead letters. Only then take it away. */
  park(message: Pick<Received, 'body' | 'attempts'>, reason: string, now: number): Promise<void>;
  send(body: string, delay_s?: number): Promise<void>;
}

/** Seconds after which try `attempts` is followed by the next one; the last step again for all further ones. */
export const retrySeconds = (attempts: number, random: number): number =>
  Math.max(1, Math.round(((RETRY_STEPS[attempts - 1] ?? RETRY_STEPS.at(-1)!) / 1000) * (0.8 + 0.4 * random)));

/** Opens a client. Region, credentials and endpoint (AWS_ENDPOINT_URL_SQS) come from the SDK's default chain. */
export const openSqs = async (options: SQSClientConfig = {}): Promise<SQSClient> => {
  const { SQSClient } = await import('@aws-sdk/client-sqs');
  return new SQSClient({
    maxAttempts: 3,
    // the URL names a queue; which host answers is the endpoint's business
    useQueueUrlAsEndpoint: false,
    requestHandler: { connectionTimeout: 1_000, requestTimeout: 10_000, throwOnRequestTimeout: true },
    ...options,
  });
};

/** The URL of a queue by its name. */
export const queueUrl = async (client: SQSClient, name: string): Promise<string> => {
  const { GetQueueUrlCommand } = await import('@aws-sdk/client-sqs');
  return (await client.send(new GetQueueUrlCommand({ QueueName: name }))).QueueUrl!;
};

const urls = new Map<string, Promise<string>>();

/** The URL of the queue that an ARN names, what Lambda tells of a record's source; asked for once. */
export const urlOfArn = (client: SQSClient, arn: string): Promise<string> => {
  const known = urls.get(arn) ?? queueUrl(client, arn.split(':').at(-1)!);
  urls.set(arn, known);
  known.catch(() => urls.delete(arn));
  return known;
};

const received = ({ Body = '', ReceiptHandle = '', Attributes }: Message): Received => ({
  body: Body,
  receipt: ReceiptHandle,
  attempts: Number(Attributes?.ApproximateReceiveCount) || 1,
  ...(Attributes?.SentTimestamp && { sent_at: Number(Attributes.SentTimestamp) }),
});

/** A queue and its dead letters, by URL; `name` is what a dead letter says it came from. */
export const sqsQueue = (client: SQSClient, queue: { url: string; dead_url?: string; name: string }): SqsQueue => {
  const { url: QueueUrl, dead_url, name } = queue;
  const commands = () => import('@aws-sdk/client-sqs');
  const limited = () => ({ abortSignal: AbortSignal.timeout(TRY_MS * 3) });
  return {
    receive: async (WaitTimeSeconds) => {
      const { ReceiveMessageCommand } = await commands();
      const command = new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: 10,
        WaitTimeSeconds,
        MessageSystemAttributeNames: ['ApproximateReceiveCount', 'SentTimestamp'],
      });
      const { Messages = [] } = await client.send(command);
      return Messages.map(received);
    },
    remove: async ({ receipt: ReceiptHandle }) => {
      const { DeleteMessageCommand } = await commands();
      await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }), limited());
    },
    retry: async ({ receipt: ReceiptHandle, attempts }, random = 0.5) => {
      const { ChangeMessageVisibilityCommand } = await commands();
      const VisibilityTimeout = retrySeconds(attempts, random);
      await client.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout }), limited());
    },
    park: async ({ body, attempts }, reason, now) => {
      if (dead_url === undefined) throw new Error('the queue has no dead letters');
      const { SendMessageCommand } = await commands();
      const told = [reason.slice(0, 500), String(attempts), name, new Date(now).toISOString()];
      const MessageAttributes = Object.fromEntries(
        LETTER.map((key, i) => [key, { DataType: 'String', StringValue: told[i]! }]),
      );
      const letter = new SendMessageCommand({ QueueUrl: dead_url, MessageBody: body, MessageAttributes });
      await client.send(letter, limited());
    },
    send: async (MessageBody, DelaySeconds) => {
      const { SendMessageCommand } = await commands();
      await client.send(new SendMessageCommand({ QueueUrl, MessageBody, DelaySeconds }), limited());
    },
  };
};
