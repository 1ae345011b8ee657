/** What EventBridge's rule brought to the bridge's SQS queue, as every dispatcher takes it. */

import type { Received } from '../eventbridge/sqs.ts';
import { isRoutingKey } from '../topic.ts';
import { BRIDGE_LIMITS } from './carrying.ts';

/** The event in EventBridge's frame; `poison` says why there is none. */
export type Read = { body: { envelope: unknown; routing_key: string; priority: number } } | { poison: string };

/** What is counted of a message that carries no event, or no longer one. */
export const resultOf = ({ poison }: { poison: string }): string => (poison === 'expired' ? 'expired' : 'parked');

/**
 * Reads the body of a message; nothing in it is believed. One that waited longer than it could on RabbitMQ's side is
 * expired: SQS itself would drop it later without a word.
 *
 * @param now unix ms
 */
export const readFrame = ({ body, sent_at }: Pick<Received, 'body' | 'sent_at'>, now: number): Read => {
  if (sent_at !== undefined && now - sent_at > BRIDGE_LIMITS.message_ttl) return { poison: 'expired' };
  let frame: unknown;
  try {
    frame = JSON.parse(body);
  } catch {
    return { poison: 'not JSON' };
  }
  const { detail } = (frame ?? {}) as { detail?: { routing?: { key?: unknown; priority?: unknown } } };
  const { key, priority = 0 } = detail?.routing ?? {};
  if (typeof key !== 'string' || !isRoutingKey(key)) return { poison: 'invalid routing key' };
  if (typeof priority !== 'number' || !Number.isInteger(priority) || priority < 0 || priority > 9) {
    return { poison: 'invalid priority' };
  }
  return { body: { envelope: detail, routing_key: key, priority } };
};
