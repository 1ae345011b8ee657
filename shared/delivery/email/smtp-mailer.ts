/** Mail over SMTP (RFC 5321), through a small pool of connections that is opened with the first mail. */
import type { Transporter } from 'nodemailer';
import { StartError } from '../../config/start-error.ts';
import { adapter } from '../../kit/adapter.ts';
import type { AppError } from '../../kit/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Mail, Mailer } from '../../ports/mailer.ts';
import { oneLine } from '../one-line.ts';
import {
  codesIn,
  isOfSender,
  msFor,
  openInOrder,
  provider,
  senderFailure,
  sendFailure,
  shareOf,
  within,
} from '../sending.ts';
import { requirePlainAddress, SEND_MS, senderOf } from './outgoing.ts';

const SECOND = 1_000;

/** Replies to these are about the connection or the account that we use, not about the mail. */
const OUR_SIDE = /^(CONN|EHLO|HELO|LHLO|STARTTLS|AUTH|API)/i;

interface SmtpFailure {
  responseCode?: number;
  code?: string;
  command?: string;
}

/** More than the server takes of one mail, which it may say already to its sender (RFC 1870). */
const TOO_LARGE = 552;

/** 5xx for this mail never works; 4xx, connections and timeouts may, and so may what it says of us or our sender. */
const toFailure = (cause: unknown): AppError => {
  const { responseCode, code, command = '' } = cause as SmtpFailure;
  const refused = responseCode !== undefined && responseCode >= 500;
  const ofSender =
    code === 'EAUTH' ||
    OUR_SIDE.test(command) ||
    (/^MAIL/i.test(command) && responseCode !== TOO_LARGE) ||
    (!/^RCPT/i.test(command) && isOfSender(cause));
  if (refused && ofSender) return senderFailure(cause, 'mail');
  const permanent = refused || (responseCode === undefined && (code === 'EENVELOPE' || code === 'EMESSAGE'));
  return sendFailure(permanent, cause, 'mail');
};

/**
 * A mailer for an SMTP URL (`smtp://` with STARTTLS where offered, `smtps://`; user and password in the URL).
 *
 * What is given up after `timeout_ms`, or when the life of the mail ends, goes out no more: a mail that waits for a
 * connection leaves the queue, and the connection that has one is destroyed. Only a server that has the whole mail by
 * then may still deliver it.
 *
 * @example const { port, close } = openMailer({ url: 'smtp://127.0.0.1:1025', from: 'no-reply@example.org', clock });
 */
export const openMailer = ({
  url,
  from,
  clock,
  timeout_ms = SEND_MS,
}: {
  url: string;
  from: string;
  clock: Clock;
  timeout_ms?: number;
}): { port: Mailer; close: () => Promise<void> } => {
  const sender = senderOf(from);
  const domain = sender.address.slice(sender.address.lastIndexOf('@') + 1);
  let opened: Promise<Transporter> | undefined;
  const open = async (): Promise<Transporter> => {
    const { createTransport } = await import('nodemailer');
    return createTransport({
      url,
      pool: true,
      maxConnections: 5,
      maxMessages: 100,
      connectionTimeout: 5 * SECOND,
      greetingTimeout: 5 * SECOND,
      dnsTimeout: 5 * SECOND,
      socketTimeout: 15 * SECOND,
      // what is closed sends nothing more of what it holds
      socketCloseTimeout: 0,
      disableFileAccess: true,
      disableUrlAccess: true,
    } as object);
  };
  const send = async ({ to, subject, text, html, message_id, expires_at }: Mail): Promise<string | undefined> => {
    requirePlainAddress(to);
    opened ??= open();
    const transport = await opened;
    const mail = {
      from: sender,
      // as objects, so that nothing in them is read as a list or a name
      to: { name: '', address: to },
      envelope: { from: sender.address, to: [to] },
      subject: oneLine(subject),
      text,
      html,
      messageId: `<${message_id.replace(/[^A-Za-z0-9._-]/g, '')}@${domain}>`,
      headers: { 'Auto-Submitted': 'auto-generated' },
    };
    const post = (signal: AbortSignal) => transport.sendMail({ ...mail, signal } as object);
    const { response } = await within(post, msFor({ expires_at }, timeout_ms, clock)).catch((cause: unknown) => {
      throw toFailure(cause);
    });
    return response;
  };
  return {
    port: provider(new URL(url).hostname, send, ({ to, text }) => [to, ...codesIn(text)]),
    close: async () => {
      (await opened)?.close();
    },
  };
};

export const smtpMailer = adapter({
  port: 'mailer',
  needs: ['clock', 'log'],
  env: ['MAIL_URL', 'MAIL_FROM', 'PERFECT21_SMTP_PORT'],
  open: ({ clock, log }, { mail }) => {
    const timeout_ms = shareOf(SEND_MS, mail.providers.length);
    const opened = mail.providers.map((each) => {
      if (each.transport !== 'smtp') throw new StartError('MAIL_URL names no mail server: use smtp://… or smtps://…');
      return openMailer({ url: each.url, from: mail.from, timeout_ms, clock });
    });
    return openInOrder(opened, { clock, log });
  },
});
