/**
 * Messages of RabbitMQ as Lambda brings them from Amazon MQ: no routing key, strings of headers as bytes.
 *
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html (event structure, RabbitMQ)
 */
import { catalogue } from '../../../functions/events.ts';
import { HEADER } from '../rabbitmq/settings.ts';

interface MqMessage {
  basicProperties?: Record<string, unknown> & { headers?: Record<string, unknown> | null };
  redelivered?: boolean;
  /** Base64. */
  data?: string;
}

export interface MqEvent {
  eventSource: 'aws:rmq';
  /** By `<queue>::<virtual host>`. */
  rmqMessagesByQueue: Record<string, MqMessage[]>;
}

/** A message as amqplib would have brought it. */
export interface Delivered {
  queue: string;
  content: Buffer;
  properties: { headers: Record<string, unknown> } & Record<string, any>;
  fields: { routingKey: string; redelivered: boolean } & Record<string, any>;
}

export const isMqEvent = (event: unknown): event is MqEvent => {
  const { eventSource, rmqMessagesByQueue } = (event ?? {}) as Partial<MqEvent>;
  return eventSource === 'aws:rmq' && typeof rmqMessagesByQueue === 'object' && rmqMessagesByQueue !== null;
};

const textOf = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(textOf);
  if (typeof value !== 'object' || value === null) return value;
  const { bytes } = value as { bytes?: unknown };
  if (Array.isArray(bytes)) return Buffer.from(bytes as number[]).toString('utf8');
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, textOf(each)]));
};

/** The key of an event whose publisher wrote none into a header: by the catalogue, as the contract says. */
const keyOf = (type: unknown): string => catalogue.find((event) => event.type === type)?.key ?? 'events.unknown';

// a time comes as a text of some locale; the envelope has it anyway
const KEPT = ['messageId', 'type', 'correlationId', 'appId', 'contentType', 'contentEncoding', 'priority'] as const;

/** All messages of an event, in their order. */
export const deliveredIn = ({ rmqMessagesByQueue }: MqEvent): Delivered[] =>
  Object.entries(rmqMessagesByQueue).flatMap(([source, messages]) =>
    messages.map(({ basicProperties = {}, redelivered = false, data = '' }) => {
      const headers = (textOf(basicProperties.headers ?? {}) ?? {}) as Record<string, unknown>;
      const kept = KEPT.filter((name) => basicProperties[name] !== null && basicProperties[name] !== undefined);
      const written = headers[HEADER.key];
      return {
        queue: source.split('::')[0]!,
        content: Buffer.from(data, 'base64'),
        properties: { ...Object.fromEntries(kept.map((name) => [name, basicProperties[name]])), headers },
        fields: {
          routingKey: typeof written === 'string' ? written : keyOf(basicProperties.type ?? headers.message_type),
          redelivered,
        },
      };
    }),
  );
