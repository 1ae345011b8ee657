import type { Channel, Perishable } from './channel.ts';

export interface Sms extends Perishable {
  /** E.164, e.g. `+4917012345678`. */
  to: string;
  text: string;
  message_id: string;
}

/** Sends text messages. */
export type SmsSender = Channel<Sms>;
