/** What EventBridge's rule brought to the bridge's SQS queue, as every dispatcher takes it. */

import type { Received } from '../eventbridge/sqs.ts';
import { isRoutingKey } from '../topic.ts';

/** The event in EventBridge's frame; `poison` says why there is none. */
export type Read = { body: { envelope: unknown; routing_key: string; priority: number } } | { poison: string };

/** Reads the body of a message; nothing in it is believed. */
export const readFrame = ({ body }: Pick<Received, 'body'>): Read => {
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
