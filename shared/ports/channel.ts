/** What ways to reach people have in common: mail, text messages, push. */

/** One try of one provider. `answer` is what it said, without addresses, links and tokens. */
export interface ChannelTry {
  provider: string;
  outcome: 'sent' | 'unavailable' | 'refused' | 'gone';
  answer?: string;
}

/** What a message of any channel may say of its life. */
export interface Perishable {
  /** Unix ms from when on nobody is to get it any more; for ever when left out. */
  expires_at?: number;
}

/**
 * Sends a message through the first of its providers that takes it; `heard` is told of each try, in order. No provider is asked
 * once the life of the message has ended.
 *
 * @throws AppError `unavailable` when it may work later or its life has ended, `invalid_request` when it never will, `not_found` when the
 * recipient is gone for good (a device that unsubscribed), `unimplemented` when no provider is set for the channel
 */
export interface Channel<M> {
  send(message: M, heard?: (attempt: ChannelTry) => void): Promise<void>;
}
