/** The AsyncAPI 3.0 document of the events, made from the catalogue and the subscriptions. Pure. */

import type { Operation } from '../../kit/operation.ts';
import type { Service } from '../../kit/service.ts';
import { match } from '../../messaging/topic.ts';
import { type Event, messageOf, payloadSchema, pointer, schemaName } from './messages.ts';
import { ROUTING } from './routing.ts';

export interface DocumentOptions {
  version: string;
  /** A whole envelope of a message type. */
  exampleOf(type: string): unknown;
}

const EXCHANGE = { name: 'perfect21.events', type: 'topic', durable: true, autoDelete: false, vhost: '/' };
const AMQP = '0.3.0';

const keyChannel = ({ type, key }: Event) => ({
  address: key,
  messages: { [type]: pointer('components', 'messages', type) },
  bindings: { amqp: { is: 'routingKey', exchange: EXCHANGE, bindingVersion: AMQP } },
});

const messagesIn = (channel: string, types: Iterable<string>) =>
  [...types].map((type) => pointer('channels', channel, 'messages', type));

const sends = (op: Operation<any, any>, byType: ReadonlyMap<string, Event>) =>
  op.emits.flatMap(({ type }) => {
    const { key } = byType.get(type)!;
    const sending = {
      action: 'send',
      summary: op.summary,
      channel: pointer('channels', key),
      messages: messagesIn(key, [type]),
    };
    return [[`${op.name}.${type}`, sending] as const];
  });

/** What every process hears, it hears by the routing keys themselves. */
const hears = (op: Operation<any, any>, byType: ReadonlyMap<string, Event>) =>
  op.subscription!.types.map((type) => {
    const { key } = byType.get(type)!;
    const hearing = {
      action: 'receive',
      summary: `${op.summary}, in every process that runs it`,
      channel: pointer('channels', key),
      messages: messagesIn(key, [type]),
    };
    return [`${op.name}.${type}`, hearing] as const;
  });

const receives = (op: Operation<any, any>, queue: string) => {
  const { types } = op.subscription!;
  const receiving = {
    action: 'receive',
    summary: op.summary,
    channel: pointer('channels', queue),
    messages: messagesIn(queue, types),
    bindings: { amqp: { ack: true, bindingVersion: AMQP } },
  };
  return [op.name, receiving] as const;
};

/** A queue with what may lie in it: every event that one of its bindings takes. */
const queueChannels = (ops: readonly Operation<any, any>[], catalogue: readonly Event[]) => {
  const bound = new Map<string, Set<string>>();
  for (const { subscription } of ops) {
    if (!subscription?.queue) continue;
    const bindings = bound.get(subscription.queue) ?? new Set();
    for (const binding of subscription.bindings) bindings.add(binding);
    bound.set(subscription.queue, bindings);
  }
  return [...bound].map(([name, bindings]) => {
    const taken = catalogue.filter(({ key }) => [...bindings].some((binding) => match(binding, key)));
    const channel = {
      address: name,
      description: `Bound to ${EXCHANGE.name} by ${[...bindings].join(', ')}.`,
      messages: Object.fromEntries(taken.map(({ type }) => [type, pointer('components', 'messages', type)])),
      bindings: {
        amqp: {
          is: 'queue',
          queue: { name, durable: true, exclusive: false, autoDelete: false, vhost: '/' },
          bindingVersion: AMQP,
        },
      },
    };
    return [name, channel] as const;
  });
};

/**
 * The document. A channel is a routing key of the exchange, to which operations send, or a queue, from which they
 * receive.
 *
 * Source: https://www.asyncapi.com/docs/reference/specification/v3.0.0
 *
 * @throws Error when an operation emits an event that the catalogue lacks
 * @example asyncApi(catalogue, platform, { version: '1.0.0', exampleOf: (type) => examples[type] });
 */
export const asyncApi = (
  catalogue: readonly Event[],
  services: readonly Service[],
  { version, exampleOf }: DocumentOptions,
) => {
  const byType = new Map(catalogue.map((event) => [event.type, event]));
  const ops = services.flatMap(({ operations }) => operations);
  for (const { name, emits } of ops) {
    const missing = emits.find(({ type }) => !byType.has(type));
    if (missing) throw new Error(`${name} emits ${missing.type}, which is missing in the catalogue`);
  }
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'perfect21 events',
      version,
      description:
        'Delivered at least once; consumers tell repetitions by `message_id`. Events of one user are published in their ' +
        'order, and one consuming process handles them in it unless one is more urgent or tried again; across ' +
        'processes, and from queues of SQS, they come in any order. So what a consumer does has to come to the same ' +
        'whatever the order, as it does here. A change that breaks a published payload gets a new `metadata.version`.\n\n' +
        'On EventBridge `source` is `perfect21.<source_service>`, `detail-type` the message type, and `detail` the payload ' +
        'with `routing` beside it (`#/components/schemas/routing`), by which rules find the queues: whoever puts events ' +
        'there has to write it. An event whose routing is missing or malformed is parked.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/json',
    channels: Object.fromEntries([
      ...catalogue.map((event) => [event.key, keyChannel(event)] as const),
      ...queueChannels(ops, catalogue),
    ]),
    operations: Object.fromEntries([
      ...ops.flatMap((op) => sends(op, byType)),
      ...ops.flatMap((op) => (op.subscription?.queue ? [receives(op, op.subscription.queue)] : [])),
      ...ops.filter(({ subscription }) => subscription?.broadcast).flatMap((op) => hears(op, byType)),
    ]),
    components: {
      messages: Object.fromEntries(catalogue.map((event) => [event.type, messageOf(event, exampleOf(event.type))])),
      schemas: {
        ...Object.fromEntries(catalogue.map((event) => [schemaName(event), payloadSchema(event)])),
        routing: ROUTING,
      },
    },
  };
};
