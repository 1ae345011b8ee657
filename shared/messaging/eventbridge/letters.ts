/**
 * Dead letters in SQS: each queue has a queue for them. SQS moves there what was received too often, EventBridge what it
 * could not deliver, a function what it gave up; the latter two say why in attributes.
 */
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { toEnvelope } from '../envelope.ts';
import { idOfContent, type Letter, type LetterBox } from '../operate.ts';
import { type AwsQueue, isNoQueue } from './layout.ts';
import { LETTER, queueUrl } from './sqs.ts';

/** Seconds that a letter is hidden from others while a walk holds it. */
const HIDDEN_S = 60;
/** SQS hides no message for longer than half a day. */
const LONGEST_S = 12 * 3600;
/** Seconds that a look at the queue waits: without, SQS asks some of its servers only. */
const WAIT_S = 1;

/** Attributes that tell of the letter and not of the message. */
const TOLD = new Set<string>([
  ...LETTER,
  ...['ERROR_CODE', 'ERROR_MESSAGE', 'RULE_ARN', 'TARGET_ARN', 'RETRY_ATTEMPTS', 'EXHAUSTED_RETRY_CONDITION'],
]);

const letterOf = ({ Body = '', Attributes, MessageAttributes = {} }: Message, from: string): Letter => {
  const told = (name: string): string | undefined => MessageAttributes[name]?.StringValue;
  let payload: unknown = Body;
  try {
    const value = JSON.parse(Body);
    payload = value?.detail ?? value;
  } catch {
    // it is shown as it is
  }
  const envelope = toEnvelope(payload);
  const key = (payload as { routing?: { key?: unknown } } | null)?.routing?.key;
  const attempts = Number(told('attempts') ?? told('RETRY_ATTEMPTS'));
  const refused = told('ERROR_CODE') && `EventBridge could not deliver it: ${told('ERROR_CODE')}`;
  const parked = Date.parse(told('parked_at') ?? '');
  return {
    id: envelope.success ? envelope.data.message_id : idOfContent(Body),
    from,
    ...(envelope.success && { type: envelope.data.message_type }),
    ...(typeof key === 'string' && { routing_key: key }),
    reason: told('reason') ?? refused ?? 'its function failed too often',
    ...(attempts > 0 && { attempts }),
    // SQS keeps the time of the first sending when it moves a message
    since: parked || Number(Attributes?.SentTimestamp) || 0,
    payload: envelope.success ? envelope.data : payload,
  };
};

/** As the rules of the queue and its twin see it. */
const isUrgent = (body = ''): boolean => {
  try {
    return JSON.parse(body).detail.routing.urgent === true;
  } catch {
    return false;
  }
};

/** The letters of one queue. `hidden_s` is the least that a killed walk keeps them from others. An optional queue that is not there has none. */
export const sqsLetters = (
  client: SQSClient,
  { name, sqs, urgent, dead, optional }: AwsQueue,
  { hidden_s = HIDDEN_S, wait_s = WAIT_S } = {},
): LetterBox => {
  const url = (of: string) => queueUrl(client, of);
  const deadUrl = (): Promise<string | undefined> =>
    url(dead).catch((cause: unknown) => {
      if (optional && isNoQueue(cause)) return undefined;
      throw cause;
    });

  const receive = async (QueueUrl: string, seconds: number): Promise<Message[]> => {
    const request = new ReceiveMessageCommand({
      QueueUrl,
      MaxNumberOfMessages: 10,
      WaitTimeSeconds: wait_s,
      VisibilityTimeout: seconds,
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    });
    return (await client.send(request)).Messages ?? [];
  };

  const replay = async ({ Body, MessageAttributes = {} }: Message): Promise<void> => {
    const to = urgent && isUrgent(Body) ? urgent : sqs;
    const kept = Object.entries(MessageAttributes).filter(([attribute]) => !TOLD.has(attribute));
    const again = { MessageBody: Body, MessageAttributes: Object.fromEntries(kept) };
    await client.send(new SendMessageCommand({ QueueUrl: await url(to), ...again }));
  };

  const walk: LetterBox['walk'] = async (decide, done = () => {}) => {
    const QueueUrl = await deadUrl();
    if (!QueueUrl) return;
    const kept = new Map<string, string>();
    /** What fails again at once may be back before the walk ends. */
    const replayed = new Set<string>();
    let hidden = hidden_s;
    try {
      for (let stopped = false; !stopped; ) {
        const messages = await receive(QueueUrl, hidden);
        if (messages.length === 0) stopped = true;
        // the walk takes so long that letters which it keeps come back before the others: they are hidden for longer
        if (messages.some(({ MessageId }) => kept.has(MessageId!))) hidden = Math.min(hidden * 2, LONGEST_S);
        for (const message of messages) {
          const { MessageId = '', ReceiptHandle = '' } = message;
          const letter = letterOf(message, name);
          const seen = stopped || kept.has(MessageId);
          const fate = seen || replayed.has(letter.id) ? 'keep' : decide(letter);
          if (fate === 'stop') stopped = true;
          if (fate === 'keep' || fate === 'stop') {
            kept.set(MessageId, ReceiptHandle);
            continue;
          }
          if (fate === 'replay') {
            await replay(message);
            replayed.add(letter.id);
          }
          await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
          done(letter, fate);
        }
      }
    } finally {
      for (const ReceiptHandle of kept.values()) {
        const shown = { QueueUrl, ReceiptHandle, VisibilityTimeout: 0 };
        // what can't be shown now is shown when its time is over
        await client.send(new ChangeMessageVisibilityCommand(shown)).catch(() => {});
      }
    }
  };

  return {
    from: name,
    count: async () => {
      const QueueUrl = await deadUrl();
      if (!QueueUrl) return 0;
      const asked = { QueueUrl, AttributeNames: ['ApproximateNumberOfMessages' as const] };
      const { Attributes } = await client.send(new GetQueueAttributesCommand(asked));
      return Number(Attributes?.ApproximateNumberOfMessages ?? 0);
    },
    look: async function* () {
      const letters: Letter[] = [];
      await walk((letter) => {
        letters.push(letter);
        return 'keep';
      });
      yield* letters;
    },
    walk,
  };
};
