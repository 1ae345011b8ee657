/** An event as an AMQP message, and back. */
import type { ConsumeMessage, Options } from 'amqplib';
import type { OutboxBody } from '../../ports/envelope.ts';
import { type AnyEnvelope, toEnvelope } from '../envelope.ts';
import { isRoutingKey } from '../topic.ts';
import { HEADER, MAX_BYTES } from './settings.ts';

type Headers = Record<string, unknown>;

/** A property of AMQP has at most 255 bytes; the envelope has the whole. */
const short = (text: string): string | undefined => (Buffer.byteLength(text) <= 255 ? text : undefined);

/** Properties and headers of the contract, section 4. */
export const propertiesOf = (envelope: AnyEnvelope, key: string, priority: number): Options.Publish => {
  const { message_id, message_type, timestamp, source_service, user_id, correlation_id, metadata } = envelope;
  const headers: Headers = { message_type, source_service, [HEADER.key]: key };
  if (user_id !== undefined) headers.user_id = user_id;
  if (correlation_id !== undefined) headers.correlation_id = correlation_id;
  if (metadata?.traceparent !== undefined) headers.traceparent = metadata.traceparent;
  return {
    messageId: short(message_id),
    type: short(message_type),
    // AMQP counts seconds
    timestamp: Math.floor(Date.parse(timestamp) / 1000),
    ...(correlation_id !== undefined && { correlationId: short(correlation_id) }),
    appId: short(source_service),
    contentType: 'application/json',
    persistent: true,
    priority,
    headers,
  };
};

/** A delivery that is an event, or why it is none. `body` is what the dispatcher takes on every bus. */
export type Read = { body: OutboxBody & { envelope: AnyEnvelope }; attempts: number } | { poison: string };

const parse = (content: Buffer): unknown => {
  try {
    return JSON.parse(content.toString('utf8'));
  } catch {
    return undefined;
  }
};

/** What the headers say must be what the envelope says, or one of them is forged. */
const contradiction = (envelope: AnyEnvelope, { messageId, correlationId, headers = {} }: Properties) => {
  // the property `type` is not asked: others write there what their own programs call a message
  const claims: readonly (readonly [string, unknown, unknown])[] = [
    ['message_id', messageId, envelope.message_id],
    ['correlation_id', correlationId, envelope.correlation_id],
    ['message_type', headers.message_type, envelope.message_type],
    ['source_service', headers.source_service, envelope.source_service],
    ['user_id', headers.user_id, envelope.user_id],
    ['correlation_id', headers.correlation_id, envelope.correlation_id],
  ];
  // a header of null says nothing
  return claims.find(([, claimed, real]) => (claimed ?? undefined) !== undefined && claimed !== real)?.[0];
};
type Properties = { messageId?: unknown; correlationId?: unknown; headers?: Headers };

/** What a producer says beside its envelope only: what it answers, and the trace of an instrumentation that writes headers. */
const completed = (envelope: AnyEnvelope, { correlationId, headers = {} }: Properties): AnyEnvelope => {
  const { correlation_id = correlationId ?? headers.correlation_id, metadata } = envelope;
  const { traceparent } = headers;
  return {
    ...envelope,
    ...(typeof correlation_id === 'string' && correlation_id.length <= 128 && { correlation_id }),
    ...(typeof traceparent === 'string' &&
      metadata?.traceparent === undefined && { metadata: { ...metadata, traceparent: traceparent.slice(0, 256) } }),
  };
};

const isCount = (value: unknown, most: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most;

/** Reads a delivery; nothing in it is believed. */
export const readMessage = ({
  content,
  properties,
  fields,
}: Pick<ConsumeMessage, 'content' | 'properties' | 'fields'>): Read => {
  if (content.length > MAX_BYTES) return { poison: 'too large' };
  const value = parse(content);
  if (value === undefined) return { poison: 'not JSON' };
  const parsed = toEnvelope(value);
  if (!parsed.success) return { poison: 'invalid envelope' };
  const headers: Headers = properties.headers ?? {};
  const envelope = completed(parsed.data, { ...properties, headers });
  const against = contradiction(envelope, { ...properties, headers });
  if (against) return { poison: `a header contradicts the envelope: ${against}` };
  // an octet, and queues know ten priorities
  const priority = Math.min(9, Number(properties.priority) || 0);
  const failed = headers[HEADER.attempts] ?? 0;
  if (!isCount(failed, 1000)) return { poison: 'invalid number of tries' };
  const key = headers[HEADER.key] ?? fields.routingKey;
  if (typeof key !== 'string' || !isRoutingKey(key)) return { poison: 'invalid routing key' };
  // quorum queues count what came back without our doing, e.g. from a consumer that died
  const returned = headers['x-delivery-count'];
  const attempts = failed + 1 + (isCount(returned, 1000) ? returned : 0);
  return { body: { envelope, routing_key: key, priority }, attempts };
};

/** Headers that the broker wrote, or that would send a copy elsewhere: they do not go with a message that is sent on. */
const NOT_SENT_ON = /^(x-death|x-first-death|x-last-death|x-delivery-count|x-acquired-count|x-delay$|B?CC$)/;
/** Bytes of foreign headers that are sent on. A table has to fit into one frame, with ours. */
const MOST_HEADERS = 16 * 1024;

/**
 * What of a stranger's headers can be written again: not everything that can be read can. The rest is left behind, because
 * a message that can be neither handled nor sent on would come for ever.
 */
const writable = (headers: Headers): Headers => {
  let left = MOST_HEADERS;
  const kept = Object.entries(headers).filter(([name, value]) => {
    const simple = typeof value === 'string' || typeof value === 'boolean' || Number.isSafeInteger(value);
    if (!simple || NOT_SENT_ON.test(name)) return false;
    const bytes = Buffer.byteLength(name) + Buffer.byteLength(String(value));
    if (bytes > left) return false;
    left -= bytes;
    return true;
  });
  return Object.fromEntries(kept);
};

/** The properties of a delivery for sending it on with more headers. The key that it came with goes along. */
export const sentOn = (
  { properties, fields }: Pick<ConsumeMessage, 'properties'> & { fields?: { routingKey: string } },
  more: Headers,
): Options.Publish => {
  const { messageId, type, timestamp, correlationId, appId, contentType, contentEncoding, priority } = properties;
  const key = fields && { [HEADER.key]: fields.routingKey };
  return {
    messageId,
    type,
    timestamp: Number.isSafeInteger(timestamp) ? timestamp : undefined,
    correlationId,
    appId,
    contentType,
    contentEncoding,
    priority,
    persistent: true,
    headers: { ...key, ...writable(properties.headers ?? {}), ...more },
  };
};
