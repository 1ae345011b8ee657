/** Mail through Amazon SES, API v2: what functions send with, as the right to send is their role's and no password is kept. */
import { domainToASCII } from 'node:url';
import { StartError } from '../../config/start-error.ts';
import { adapter } from '../../kit/adapter.ts';
import type { Mail, Mailer } from '../../ports/mailer.ts';
import { oneLine } from '../one-line.ts';
import { codesIn, isOfSender, provider, senderFailure, sendFailure, telling, within } from '../sending.ts';
import { requirePlainAddress, type Sender, senderOf } from './outgoing.ts';

/** Milliseconds for one send: a function's batch has 30 seconds. */
const SEND_MS = 10_000;

/** What SES says of a mail that it takes at no time, unless its words are about the sender. */
const PERMANENT = new Set(['MessageRejected', 'BadRequestException']);
/** What it says of an account or a sender. Everything else passes. */
const OF_SENDER = new Set([
  'MailFromDomainNotVerifiedException',
  'SendingPausedException',
  'AccountSuspendedException',
  'AccessDeniedException',
  'NotFoundException',
]);

/** Bytes of UTF-8 in an encoded word, which has at most 75 characters (RFC 2047 section 2). */
const WORD_BYTES = 45;

const encodedWords = (text: string): string => {
  const words: string[] = [];
  let word = '';
  for (const character of text) {
    if (Buffer.byteLength(word + character) > WORD_BYTES) {
      words.push(word);
      word = '';
    }
    word += character;
  }
  return [...words, word].map((each) => `=?UTF-8?B?${Buffer.from(each).toString('base64')}?=`).join(' ');
};

/** A sender as SES takes it: in ASCII (RFC 5322, RFC 2047). */
const fromAddress = ({ name, address }: Sender): string => {
  if (!name) return address;
  const phrase = /^[ -~]*$/.test(name) ? `"${name.replace(/["\\]/g, '\\$&')}"` : encodedWords(name);
  return `${phrase} <${address}>`;
};

/** The address as it is, but a domain that is not ASCII as DNS knows it, for SES takes no other. */
const recipient = (address: string): string => {
  const at = address.lastIndexOf('@') + 1;
  return /^[ -~]*$/.test(address.slice(at)) ? address : address.slice(0, at) + domainToASCII(address.slice(at));
};

const utf8 = (Data: string) => ({ Data, Charset: 'UTF-8' });

/**
 * A mailer that sends through SES. Region, credentials and endpoint come from the SDK's default chain.
 *
 * Nothing is repeated here: the queue brings a message again, and a repetition after a timeout could be a second mail.
 *
 * @example const { port, close } = await openSesMailer({ from: 'perfect21 <no-reply@example.org>' });
 */
export const openSesMailer = async ({
  from,
  timeout_ms = SEND_MS,
}: {
  from: string;
  timeout_ms?: number;
}): Promise<{ port: Mailer; close: () => Promise<void> }> => {
  const { SESv2Client, SendEmailCommand } = await import('@aws-sdk/client-sesv2');
  const client = new SESv2Client({
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: Math.min(timeout_ms, 3_000),
      requestTimeout: timeout_ms,
      throwOnRequestTimeout: true,
    },
  });
  const sender = fromAddress(senderOf(from));
  const send = async ({ to, subject, text, html, message_id }: Mail): Promise<string | undefined> => {
    requirePlainAddress(to);
    const command = new SendEmailCommand({
      FromEmailAddress: sender,
      Destination: { ToAddresses: [recipient(to)] },
      Content: {
        Simple: {
          Subject: utf8(oneLine(subject)),
          Body: { Text: utf8(text), Html: utf8(html) },
          Headers: [
            { Name: 'Auto-Submitted', Value: 'auto-generated' },
            // SES makes the Message-ID itself and refuses another one
            { Name: 'X-Perfect21-Message-ID', Value: message_id.replace(/[^A-Za-z0-9._-]/g, '') },
          ],
        },
      },
    });
    const request = (abortSignal: AbortSignal) => client.send(command, { abortSignal });
    const { MessageId } = await within(request, timeout_ms).catch((cause: unknown) => {
      const { name } = cause as Error;
      const permanent = PERMANENT.has(name);
      if (OF_SENDER.has(name) || (permanent && isOfSender(cause))) throw senderFailure(cause, 'mail');
      throw sendFailure(permanent, cause, 'mail');
    });
    return MessageId;
  };
  return { port: provider('ses', send, ({ to, text }) => [to, ...codesIn(text)]), close: async () => client.destroy() };
};

/** The identity of the sender in this account and region: infra/aws/environment.yml says which. */
const IDENTITY = {
  'Fn::Join': [
    ':',
    [
      'arn',
      { Ref: 'AWS::Partition' },
      'ses',
      { Ref: 'AWS::Region' },
      { Ref: 'AWS::AccountId' },
      // biome-ignore lint/suspicious/noTemplateCurlyInString: osls fills it in
      { 'Fn::Join': ['/', ['identity', '${self:custom.environment.MAIL_IDENTITY}']] },
    ],
  ],
};

export const sesMailer = adapter({
  port: 'mailer',
  needs: ['log'],
  env: ['MAIL_URL', 'MAIL_FROM'],
  iam: [{ actions: ['ses:SendEmail'], resource: IDENTITY }],
  open: async ({ log }, { mail }) => {
    const [first, ...others] = mail.providers;
    if (first?.transport !== 'ses' || others.length > 0) {
      throw new StartError('MAIL_URL names a mail server: functions send with ses: alone');
    }
    const { port, close } = await openSesMailer(mail);
    return { port: telling(port, log), close };
  },
});
