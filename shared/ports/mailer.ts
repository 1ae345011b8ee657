import type { Channel, Perishable } from './channel.ts';

export interface Mail extends Perishable {
  to: string;
  subject: string;
  text: string;
  html: string;
  /** Becomes the Message-ID, so that a mail sent twice can be recognised. */
  message_id: string;
}

/** Sends mails. */
export type Mailer = Channel<Mail>;
