/** What a record of SQS carries: EventBridge's frame around an envelope, or the envelope itself. Nothing in it is believed. */
import { AppError } from '../../kit/errors.ts';
import { type AnyEnvelope, toEnvelope } from '../../messaging/envelope.ts';
import { isRoutingKey } from '../../messaging/topic.ts';

interface Frame {
  detail?: unknown;
  'detail-type'?: unknown;
  source?: unknown;
}

/** What the frame says must be what the envelope says, or one of them is forged. */
const contradiction = (frame: Frame, { message_type, source_service }: AnyEnvelope): string | undefined => {
  const { 'detail-type': type = message_type, source } = frame;
  if (type !== message_type) return 'detail-type';
  // others may publish under names of their own
  const ours = typeof source === 'string' && source.startsWith('perfect21.');
  return ours && source !== `perfect21.${source_service}` ? 'source' : undefined;
};

const isPriority = (value: unknown): boolean => Number.isInteger(value) && Number(value) >= 0;

/**
 * The envelope in a record.
 *
 * @throws AppError `invalid_request`, whose detail says why there is none
 * @example const { message_id } = readEnvelope(record.body);
 */
export const readEnvelope = (body: string): AnyEnvelope => {
  const refuse = (detail: string, cause?: unknown): never => {
    throw new AppError('invalid_request', { detail, cause });
  };
  let carried: unknown;
  try {
    carried = JSON.parse(body);
  } catch (cause) {
    refuse('The record is not JSON', cause);
  }
  const frame = (carried ?? {}) as Frame;
  const { detail = carried } = frame;
  const parsed = toEnvelope(detail);
  if (!parsed.success) return refuse('The record carries no envelope', parsed.error);
  const against = contradiction(frame, parsed.data);
  if (against) refuse(`The frame contradicts the envelope: ${against}`);
  const { key, n, urgent, priority = 0 } = ((detail as { routing?: unknown }).routing ?? {}) as Record<string, unknown>;
  if (key !== undefined && (typeof key !== 'string' || !isRoutingKey(key))) refuse('The routing key is none');
  // rules go by these, so an event that says them wrong reached fewer queues than it should
  if (frame.detail !== undefined && n === undefined) refuse('The event has no routing, by which rules find its queues');
  if (n !== undefined && !(Number.isInteger(n) && Number(n) >= 1 && Number(n) <= 8))
    refuse('routing.n is no number of words');
  if (urgent !== undefined && typeof urgent !== 'boolean') refuse('routing.urgent is neither true nor false');
  if (!isPriority(priority)) refuse('The priority is none');
  return parsed.data;
};
