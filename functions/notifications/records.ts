/** What the notifications service keeps. No other service reads these. */
import type { ChannelTry } from '../../shared/ports/channel.ts';
import type { PushTarget } from '../../shared/ports/push.ts';
import { type Counter, collection } from '../../shared/ports/store.ts';
import type { Category, Channel, PreferencesChange } from './model.ts';

/** One try of one provider. `outcome` is missing while it is under way, or if the process died in it. */
export interface Attempt {
  /** Unix ms. */
  at: number;
  provider?: string;
  outcome?: ChannelTry['outcome'];
  /** What the provider said, scrubbed. */
  answer?: string;
  /** The device of a push message. */
  device_id?: string;
}

/**
 * `queued`: somebody asked for it; `deferred`: it waits for its time; `sending`: under way, or the process died in it;
 * `retrying`: no provider took it, and it is tried again, unless the process died at the start of the last try; `failed`:
 * refused or given up, and only a replay tries again; `suppressed`: it is not sent, for the reason given; `expired`: it
 * would have come too late.
 */
export type DeliveryStatus =
  | 'queued'
  | 'deferred'
  | 'sending'
  | 'retrying'
  | 'sent'
  | 'failed'
  | 'expired'
  | 'suppressed';

export type DeliveryReason =
  | 'preference'
  | 'no_recipient'
  | 'no_device'
  | 'no_provider'
  | 'too_many'
  /** It was to go this way only where no device took it. */
  | 'taken'
  | 'refused'
  | 'gave_up';

/** What became of a message on one channel, by `<id>.<channel>`. Neither address nor content is in it. */
export interface DeliveryRecord {
  channel: Channel;
  template: string;
  user_id?: string;
  status: DeliveryStatus;
  reason?: DeliveryReason;
  /** The event that deferred it. */
  deferred_by?: string;
  /** Unix ms. */
  created_at: number;
  updated_at: number;
  /** While it is `sending`: the process that does. */
  sender?: string;
  /** How often all its providers were asked. */
  rounds: number;
  /** Newest last. */
  attempts: Attempt[];
}

export const deliveries = collection<DeliveryRecord>()('deliveries');

/** How long a delivery is remembered, in ms: for longer than any redelivery or replay that makes sense. */
export const DELIVERY_TTL_MS = 90 * 86_400_000;

/** By user id: what they chose, where that is not the default. */
export const preferences = collection<PreferencesChange>()('notification_preferences');

/** By a hash of the address: a device that one user gets push messages on. */
export const devices = collection<{ user_id: string; target: PushTarget; created_at: number }>()('devices', {
  indexes: {
    by_user: {
      hash: ({ user_id }) => user_id,
      sort: (device, id) => sortOf(device, id),
    },
  },
});

/** A message that a user reads in the product itself. Times are unix ms. */
export interface InboxRecord {
  user_id: string;
  category: Category;
  title: string;
  text: string;
  url?: string;
  created_at: number;
  read_at?: number;
  /** When a device acknowledged it. */
  taken_at?: number;
}

/** By time, in unix ms. */
export const sortOf = ({ created_at }: { created_at: number }, id: string): string =>
  `${String(created_at).padStart(16, '0')}${id}`;

/** By the message's id. */
export const inbox = collection<InboxRecord>()('inbox', {
  indexes: { by_user: { hash: ({ user_id }) => user_id, sort: sortOf } },
});

/** By a hash of the ticket: who may listen with it, as the access token said that it was asked for with. */
export const tickets = collection<{
  user_id: string;
  session_id: string;
  jti: string;
  generation: number;
  /** Unix seconds: the end of that access token. */
  expires_at: number;
  permissions: string[];
  roles: string[];
}>()('tickets');

/**
 * By user id: the sessions whose devices are connected, by session id, in unix ms. They are renewed for as long as they are;
 * those of a process that died end by themselves.
 */
export const presence = collection<{ sessions: Record<string, { since: number; seen_at: number }> }>()('presence', {
  subject: (_, id) => id,
});

/** By the id that API Gateway gave a connection: whose it is. Ends with it. */
export const connectionOwners = collection<{ user_id: string }>()('connections');

/** A connection that API Gateway holds, and the access token that let it in. Times are unix ms. */
export interface Held {
  session_id: string;
  jti: string;
  generation: number;
  opened_at: number;
  /** The end of the token. */
  over_at: number;
  /** Messages after this id were asked for. */
  since?: string;
  /** It was said hello to, and is told what happens. */
  greeted?: true;
}

/** By user id: his connections at API Gateway, by their ids. One record, so that nobody has more than he may. */
export const listeners = collection<{ open: Record<string, Held> }>()('listeners');

/** By user id: the failed login of which the user was told last, while further ones are not told. */
export const loginAlerts = collection<{ message_id: string }>()('login_alerts');

/** By a keyed hash of channel and recipient, user or nothing: messages in an hour. */
export const messageCounts = collection<Counter>()('message_counts', { counts: true });

/** By a keyed hash of the number and the day: text messages sent to it. */
export const smsCounts = collection<Counter>()('sms_counts', { counts: true });
