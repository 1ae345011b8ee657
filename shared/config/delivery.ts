/** `MAIL_URL`, `SMS_URL`, `PUSH_URL`: by whom messages go out. */
import { isAddress } from './address.ts';
import type { Environment } from './environment.ts';
import { listOf } from './list.ts';
import { StartError } from './start-error.ts';

export type MailProvider = { transport: 'smtp'; url: string } | { transport: 'ses' };
/** Providers in the order in which they are asked. `from` is `name <address>` or an address. */
export interface MailConfig {
  from: string;
  providers: readonly MailProvider[];
}
/** The development mailbox, by the address of its HTTP port. */
export type MailboxProvider = { transport: 'mailbox'; url: string };
export interface SmsConfig {
  /** None: text messages are not offered. An `sns` without a region uses the process's own. */
  providers: readonly (MailboxProvider | { transport: 'sns'; region?: string })[];
  /** What a text message comes from, where networks show a name. */
  sender?: string;
}
export interface PushConfig {
  /** None: push messages are not offered. `vapid`: Web Push, with whom a push service may contact (RFC 8292). */
  providers: readonly (MailboxProvider | { transport: 'vapid'; subject: string } | { transport: 'sns' })[];
}

export interface DeliveryConfig {
  mail: MailConfig;
  sms: SmsConfig;
  push: PushConfig;
}

/** The address in `name <address>`, or the whole. */
const addressIn = (from: string): string => /<([^<>]+)>$/.exec(from)?.[1] ?? from;

/** Of a platform on this machine, whose mails nobody else gets. */
const LOCAL_FROM = 'perfect21 <no-reply@perfect21.local>';
const isHere = (url: string): boolean => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(url).hostname);

/** @param publicUrl where users find the platform */
export const mailOf = (env: Environment, publicUrl: string): MailConfig => {
  const { MAIL_URL, MAIL_FROM: from = LOCAL_FROM } = env;
  const urls = MAIL_URL ?? `smtp://127.0.0.1:${env.PERFECT21_SMTP_PORT}`;
  if (!/^[^\s@<>,]+@[^\s@<>,]+$/.test(addressIn(from)))
    throw new StartError('MAIL_FROM is no address: use <name>@<domain>, or "Name <name@domain>"');
  const providers = listOf(urls).map((url): MailProvider => {
    if (url === 'ses:') return { transport: 'ses' };
    if (/^smtps?:\/\/./.test(url) && isAddress(url)) return { transport: 'smtp', url };
    // the URL may hold a password
    throw new StartError('MAIL_URL names no known transport: use smtp://…, smtps://… or ses:');
  });
  const here = isHere(publicUrl) && providers.every((each) => each.transport === 'smtp' && isHere(each.url));
  if (MAIL_URL && !env.MAIL_FROM && !here)
    throw new StartError('MAIL_FROM is missing: set what mails come from, "Name <name@domain>"');
  return { from, providers };
};

/** Whom push services may contact (RFC 8292 2.1): who sends mails here, or else the place itself. */
const contactOf = ({ MAIL_FROM }: Environment, publicUrl: string): string => {
  const address = addressIn(MAIL_FROM ?? LOCAL_FROM);
  if (!address.endsWith('.local') || isHere(publicUrl)) return `mailto:${address}`;
  if (publicUrl.startsWith('https:')) return publicUrl;
  throw new StartError('PUSH_URL=vapid: names nobody whom push services may contact: use vapid:mailto:<address>');
};

/** The mailbox of this machine; a start that opens one on another port puts that in. */
const mailboxAt = (env: Environment): MailboxProvider => ({
  transport: 'mailbox',
  url: `http://127.0.0.1:${env.PERFECT21_MAILBOX_PORT}`,
});

/** Without a mail server of its own, a platform shows everything in its mailbox; with one it sends by what is set. */
const unlessSet = ({ MAIL_URL }: Environment): string => (MAIL_URL ? '' : 'mailbox:');

export const smsOf = (env: Environment): SmsConfig => {
  const providers = listOf(env.SMS_URL ?? unlessSet(env)).map((url): SmsConfig['providers'][number] => {
    if (url === 'mailbox:') return mailboxAt(env);
    const [, region] = /^sns:(?:\/\/([a-z0-9-]{1,32}))?$/.exec(url) ?? [];
    if (url === 'sns:' || region) return { transport: 'sns', ...(region && { region }) };
    throw new StartError('SMS_URL names no known provider: use sns:, sns://<region> or mailbox:');
  });
  return { providers, ...(env.SMS_SENDER && { sender: env.SMS_SENDER }) };
};

export const pushOf = (env: Environment, publicUrl: string): PushConfig => {
  const providers = listOf(env.PUSH_URL ?? unlessSet(env)).map((url): PushConfig['providers'][number] => {
    if (url === 'mailbox:') return mailboxAt(env);
    if (url === 'sns:') return { transport: 'sns' };
    if (url === 'vapid:') return { transport: 'vapid', subject: contactOf(env, publicUrl) };
    const [, subject] = /^vapid:(mailto:[^\s@]+@[^\s@]+|https:\/\/\S+)$/.exec(url) ?? [];
    if (subject) return { transport: 'vapid', subject };
    throw new StartError('PUSH_URL names no known provider: use vapid:, vapid:mailto:<address>, sns: or mailbox:');
  });
  return { providers };
};
