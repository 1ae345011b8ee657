/** Text messages: through SNS, or into the mailbox of this machine, as SMS_URL lists them. */

import type { Opened } from '../../kit/adapter.ts';
import { adapter } from '../../kit/adapter.ts';
import { AppError } from '../../kit/errors.ts';
import type { Sms, SmsSender } from '../../ports/sms.ts';
import { postToMailbox } from '../mailbox/post.ts';
import { codesIn, openInOrder, provider, shareOf } from '../sending.ts';
import { openSns } from '../sns.ts';

/** E.164. */
const NUMBER = /^\+[1-9]\d{6,14}$/;

const requireNumber = (to: string): void => {
  if (!NUMBER.test(to))
    throw new AppError('invalid_request', { detail: 'The recipient is not one number in E.164 form' });
};

const secretsOf = ({ to, text }: Sms): string[] => [to, to.slice(1), text, ...codesIn(text)];

/** A sender through SNS; `sender` is shown where networks allow a name. */
export const openSnsSms = (
  options: { region?: string; sender?: string; timeout_ms?: number } = {},
): Opened<SmsSender> => {
  const { publish, close } = openSns(options);
  const attribute = (StringValue: string) => ({ DataType: 'String', StringValue });
  const send = async ({ to, text }: Sms): Promise<string | undefined> => {
    requireNumber(to);
    return publish({
      PhoneNumber: to,
      Message: text,
      MessageAttributes: {
        'AWS.SNS.SMS.SMSType': attribute('Transactional'),
        ...(options.sender && { 'AWS.SNS.SMS.SenderID': attribute(options.sender) }),
      },
    });
  };
  return { port: provider(options.region ? `sns ${options.region}` : 'sns', send, secretsOf), close };
};

const openMailboxSms = (url: string): Opened<SmsSender> => {
  const send = async ({ to, text }: Sms): Promise<string | undefined> => {
    requireNumber(to);
    return postToMailbox(url, { channel: 'sms', to, subject: '', text, html: '' });
  };
  return { port: provider('mailbox', send, secretsOf) };
};

export const smsSender = adapter({
  port: 'sms',
  needs: ['clock', 'log'],
  env: ['SMS_URL', 'SMS_SENDER'],
  // a number has no ARN; topics and endpoints, which have, are not meant
  iam: [{ actions: ['sns:Publish'], but: 'arn:*:sns:*:*:*' }],
  open: ({ clock, log }, { sms: { providers, sender } }) => {
    const timeout_ms = shareOf(10_000, providers.length);
    return openInOrder(
      providers.map((each) =>
        each.transport === 'sns' ? openSnsSms({ region: each.region, sender, timeout_ms }) : openMailboxSms(each.url),
      ),
      { clock, log },
    );
  },
});
