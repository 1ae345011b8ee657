/** Push messages: Web Push, endpoints of SNS, or the mailbox of this machine, as PUSH_URL lists them. */
import { adapter, type Opened } from '../../kit/adapter.ts';
import { AppError } from '../../kit/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Pusher, PushMessage, PushTarget } from '../../ports/push.ts';
import { postToMailbox } from '../mailbox/post.ts';
import { codesIn, openInOrder, provider } from '../sending.ts';
import { openSns } from '../sns.ts';
import { type Vapid, vapidOf } from './vapid.ts';

/** An address to push to is a capability: who has it can push. */
const secretsOf = ({ target, title, text }: PushMessage): string[] => [
  ...(target.kind === 'web' ? [target.endpoint, target.keys.p256dh, target.keys.auth] : [target.endpoint_arn]),
  ...[title, text, ...codesIn(text)],
];

/** As the payloads of Firebase and of Apple want it (SNS, `MessageStructure: json`). */
export const snsPayload = ({ title, text, url, message_id }: PushMessage): string => {
  const data = { id: message_id, ...(url && { url }) };
  const apple = JSON.stringify({ aps: { alert: { title, body: text }, sound: 'default' }, ...data });
  const google = JSON.stringify({ fcmV1Message: { message: { notification: { title, body: text }, data } } });
  return JSON.stringify({ default: text, GCM: google, APNS: apple, APNS_SANDBOX: apple });
};

/** A sender to SNS's endpoints. */
export const openSnsPush = (options: { timeout_ms?: number } = {}): Opened<Pusher> => {
  const { publish, close } = openSns(options);
  const send = async (message: PushMessage): Promise<string | undefined> => {
    if (message.target.kind !== 'sns') throw new AppError('unimplemented');
    return publish({
      TargetArn: message.target.endpoint_arn,
      MessageStructure: 'json',
      Message: snsPayload(message),
      MessageAttributes: {
        'AWS.SNS.MOBILE.GCM.TTL': { DataType: 'String', StringValue: String(message.ttl) },
        'AWS.SNS.MOBILE.APNS.TTL': { DataType: 'String', StringValue: String(message.ttl) },
      },
    });
  };
  return { port: provider('sns', send, secretsOf), close };
};

const shown = (target: PushTarget): string =>
  target.kind === 'web' ? new URL(target.endpoint).host : target.endpoint_arn;

const openMailboxPush = (url: string): Opened<Pusher> => {
  const send = async (message: PushMessage): Promise<string | undefined> => {
    const text = message.url ? `${message.text}\n${message.url}` : message.text;
    return postToMailbox(url, { channel: 'push', to: shown(message.target), subject: message.title, text, html: '' });
  };
  return { port: provider('mailbox', send, secretsOf) };
};

/** Web Push, which is loaded with the first message: most containers send none. */
const openWebPush = (vapid: Vapid, clock: Clock): Opened<Pusher> => {
  const load = async () => (await import('./web-push.ts')).openWebPush(vapid, clock);
  let opening: ReturnType<typeof load> | undefined;
  const send = async (message: PushMessage): Promise<string> => {
    opening ??= load();
    return (await opening).send(message);
  };
  return { port: provider('web-push', send, secretsOf), close: async () => (await opening)?.close() };
};

/** Only the provider of a target's kind sends to it. */
const only = (kind: PushTarget['kind'], { send }: Pusher): Pusher => ({
  send: async (message, heard) => {
    if (message.target.kind === kind) return send(message, heard);
    throw new AppError('unimplemented', { detail: 'No provider is set for this kind of device' });
  },
});

/** Endpoints of the applications in this account and region, and no topics. */
const ENDPOINTS = {
  'Fn::Join': [
    ':',
    ['arn', { Ref: 'AWS::Partition' }, 'sns', { Ref: 'AWS::Region' }, { Ref: 'AWS::AccountId' }, 'endpoint/*'],
  ],
};

export const pusher = adapter({
  port: 'push',
  needs: ['clock', 'log', 'secrets'],
  env: ['PUSH_URL', 'MAIL_FROM', 'PERFECT21_PUBLIC_URL'],
  iam: [{ actions: ['sns:Publish'], resource: ENDPOINTS }],
  open: ({ clock, log, secrets }, { push: { providers } }): Opened<Pusher> =>
    openInOrder(
      providers.map((each): Opened<Pusher> => {
        if (each.transport === 'mailbox') return openMailboxPush(each.url);
        if (each.transport === 'sns') {
          const { port, close } = openSnsPush();
          return { port: only('sns', port), close };
        }
        const { port, close } = openWebPush(vapidOf(secrets.key('web-push'), each.subject), clock);
        return { port: only('web', port), close };
      }),
      { clock, log },
    ),
});
