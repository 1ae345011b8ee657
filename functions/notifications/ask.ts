/** Asking for one message on several channels: a line in the ledger and an event for each. */
import type { NewEvent } from '../../shared/kit/event.ts';
import { insert, type Write } from '../../shared/ports/store.ts';
import { newDelivery } from './deliver.ts';
import { emailSend, type PRIORITIES, pushSend, realtimeSend, smsSend } from './events.ts';
import { type Category, type Channel, deliveryId } from './model.ts';
import { DELIVERY_TTL_MS, deliveries } from './records.ts';

/** What an operation that asks for messages declares as `emits`. */
export const SENDS = [emailSend, smsSend, pushSend, realtimeSend] as const;
type SendType = (typeof SENDS)[number]['type'];

export interface Ask {
  id: string;
  user_id?: string;
  category: Category;
  template_name: string;
  template_data: Record<string, unknown>;
  priority: (typeof PRIORITIES)[number];
  subject?: string;
  send_at?: string;
  expires_at?: string;
  /** Of a way that is taken only where the inbox reached nobody. */
  unless_taken?: boolean;
}

/** What is tried one after the other where no device takes a message. */
const FALLBACKS = ['push', 'email'] as const;

/**
 * The same request for the ways that follow, each as long after the one before.
 *
 * @param channels that are asked for anyway
 * @param after_ms of the wait
 */
export const fallbacksOf = (ask: Ask, channels: ReadonlySet<Channel>, after_ms: number, now: number) => {
  const from = Math.max(now, Date.parse(ask.send_at ?? '') || 0);
  return FALLBACKS.filter((channel) => !channels.has(channel)).map((channel, n) => ({
    channel,
    ask: { ...ask, unless_taken: true, send_at: new Date(from + (n + 1) * after_ms).toISOString() },
  }));
};

const eventOf = (
  channel: Channel,
  recipient: string,
  { id, user_id, subject = '', unless_taken, ...ask }: Ask,
): NewEvent<SendType> => {
  const data = { ...ask, recipient, notification_id: id };
  const instead = unless_taken && { unless_taken };
  switch (channel) {
    case 'email':
      return emailSend.with({ ...data, subject, ...instead }, { user_id });
    case 'sms':
      return smsSend.with(data, { user_id });
    case 'push':
      return pushSend.with({ ...data, ...instead }, { user_id });
    case 'realtime':
      return realtimeSend.with(data, { user_id });
  }
};

/**
 * The writes and events that ask for a message, to be committed together. A channel without a recipient is suppressed.
 *
 * @example const { writes, events } = askFor(ask, { sms: contact.phone_number, push: user_id }, clock.now());
 */
export const askFor = (
  ask: Ask,
  recipients: Partial<Record<Channel, string | undefined>>,
  now: number,
): { writes: Write<'deliveries'>[]; events: NewEvent<SendType>[] } => {
  const asked = Object.entries(recipients) as [Channel, string | undefined][];
  const expires_at = Math.max(now, Date.parse(ask.send_at ?? '') || 0) + DELIVERY_TTL_MS;
  return {
    writes: asked.map(([channel, recipient]) => {
      const record = newDelivery({ ...ask, channel }, 'queued', now);
      const value = recipient ? record : { ...record, status: 'suppressed' as const, reason: 'no_recipient' as const };
      return insert(deliveries, deliveryId(ask.id, channel), value, { expires_at });
    }),
    events: asked.flatMap(([channel, recipient]) => (recipient ? eventOf(channel, recipient, ask) : [])),
  };
};
