/** The publisher of the architecture document, on the wire: what its Python (aio-pika, pydantic) writes, byte for byte in the body. */
import { randomUUID } from 'node:crypto';
import type { Channel } from 'amqplib';
import { DOCUMENT_KEYS } from '../document-keys.ts';

/** As `json.dumps` writes it: spaces after separators, ASCII only, None as null. */
export const pythonJson = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value)
      .map(([name, member]) => `${pythonJson(name)}: ${pythonJson(member)}`)
      .join(', ')}}`;
  }
  const ascii = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(value).replace(/[\u007f-\uffff]/g, ascii);
};

/** `datetime.utcnow().isoformat()`: microseconds, and no offset. */
export const utcnow = (now = Date.now()): string => `${new Date(now).toISOString().slice(0, -1)}123`;

export const DOCUMENT_TYPES = Object.keys(DOCUMENT_KEYS);

export interface PublishOptions {
  user_id?: string | null;
  correlation_id?: string | null;
  priority?: number;
  /** What other producers set beside what the document sets. */
  more?: { type?: string; correlationId?: string; priority?: number };
}

/** `publish_message` of the document: declares the exchange and publishes to it. Gives the message's id. */
export const publishAsDocument = async (
  channel: Channel,
  message_type: string,
  data: Record<string, unknown>,
  { user_id = null, correlation_id = null, priority = 0, more = {} }: PublishOptions = {},
): Promise<string> => {
  const message_id = randomUUID();
  const source_service = 'auth-service';
  const frame = { message_id, message_type, timestamp: utcnow(), source_service, correlation_id, user_id };
  await channel.assertExchange('perfect21.events', 'topic', { durable: true });
  const body = Buffer.from(pythonJson({ ...frame, data, metadata: null }));
  channel.publish('perfect21.events', DOCUMENT_KEYS[message_type] ?? 'events.unknown', body, {
    messageId: message_id,
    deliveryMode: 2,
    priority,
    timestamp: Math.floor(Date.now() / 1000),
    headers: { message_type, source_service, user_id, correlation_id },
    ...more,
  });
  return message_id;
};
