/** What the notifications service keeps. */
import { collection } from '../../shared/ports/store.ts';

/**
 * What became of a message to somebody, by the message_id of the event that asked for it. The address is not in it.
 *
 * `sending` may or may not have gone out; `deferred` waits as a later event; `suppressed` had nobody to go to.
 */
export interface DeliveryRecord {
  channel: 'email';
  template: string;
  user_id?: string;
  status: 'sending' | 'sent' | 'failed' | 'expired' | 'deferred' | 'suppressed';
  /** Unix ms. */
  created_at: number;
  updated_at: number;
  /** Newest last. `outcome` is missing while a try is under way, or if the process died in it. */
  attempts: { at: number; outcome?: 'sent' | 'unavailable' | 'refused' }[];
}

export const deliveries = collection<DeliveryRecord>()('deliveries');

/** How long a delivery is remembered, in ms: for longer than any redelivery or replay that makes sense. */
export const DELIVERY_TTL_MS = 90 * 86_400_000;
