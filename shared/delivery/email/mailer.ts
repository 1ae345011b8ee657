/** The mailer of a process: every provider that MAIL_URL lists, in its order. */
import { adapter } from '../../kit/adapter.ts';
import { openInOrder, shareOf } from '../sending.ts';
import { SEND_MS } from './outgoing.ts';
import { openSesMailer } from './ses-mailer.ts';
import { openMailer } from './smtp-mailer.ts';

export const mailer = adapter({
  port: 'mailer',
  needs: ['clock', 'log'],
  env: ['MAIL_URL', 'MAIL_FROM', 'PERFECT21_SMTP_PORT'],
  open: async ({ clock, log }, { mail: { from, providers } }) => {
    const timeout_ms = shareOf(SEND_MS, providers.length);
    const opening = providers.map((each) =>
      each.transport === 'ses'
        ? openSesMailer({ from, timeout_ms: Math.min(10_000, timeout_ms) })
        : openMailer({ url: each.url, from, timeout_ms, clock }),
    );
    return openInOrder(await Promise.all(opening), { clock, log });
  },
});
