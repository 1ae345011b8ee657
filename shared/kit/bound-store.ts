/** The store as one operation sees it: its events become outbox rows of the same transaction. */

import type { Envelope, OutboxBody } from '../ports/envelope.ts';
import type { Ports } from '../ports/index.ts';
import type { NewMessage, Write } from '../ports/store.ts';
import { lineWith } from './audit-note.ts';
import type { AuditNote, Context } from './context.ts';
import { type NewEvent, OUTBOX } from './event.ts';
import type { Operation, OperationStore } from './operation.ts';
import { serviceOf } from './service-name.ts';
import { inSpan } from './span.ts';
import { traceparent } from './trace.ts';

/** Completes an event to the row that the relay publishes. Throws when the data is not as the catalogue says. */
export const toOutboxRow = (
  { event, data, user_id, delay_ms }: NewEvent,
  { clock, ids }: Pick<Ports, 'clock' | 'ids'>,
  origin: { service: string; context: Context },
): NewMessage => {
  const payload = event.data.parse(data) as Record<string, unknown>;
  const now = clock.now();
  const envelope: Envelope = {
    message_id: ids.uuid(),
    message_type: event.type,
    timestamp: new Date(now).toISOString(),
    source_service: origin.service,
    correlation_id: origin.context.request_id,
    ...(user_id && { user_id }),
    data: payload,
    metadata: {
      version: event.version,
      traceparent: traceparent(origin.context.trace),
      ...(delay_ms && { not_before: new Date(now + delay_ms).toISOString() }),
    },
  };
  const body: OutboxBody = { envelope, routing_key: event.key, priority: event.priority(payload) };
  return {
    queue: OUTBOX,
    id: envelope.message_id,
    // what waits for its time must not hold back what the same user does meanwhile
    ...(user_id && !delay_ms && event.ordered !== false && { order_key: user_id }),
    priority: body.priority,
    available_at: now + (delay_ms ?? 0),
    body,
  };
};

/** Commits with the line of the audit log, once for a call: behind all other writes, whose places conflicts name. */
const audited = async (
  note: AuditNote | undefined,
  line: readonly Write[],
  commit: (line: readonly Write[]) => Promise<void>,
): Promise<void> => {
  if (!note || line.length === 0) return commit(line);
  note.written = true;
  try {
    await commit(line);
  } catch (thrown) {
    note.written = false;
    throw thrown;
  }
};

export const bindStore = (ports: Ports, op: Operation<any, any>, context: Context): OperationStore<any, any, any> => {
  const { store } = ports;
  const service = serviceOf(op);
  return {
    get: (collection, id) => store.get(collection, id),
    getMany: (collection, ids) => store.getMany(collection, ids),
    query: (collection, index, hash, page) => store.query(collection, index, hash, page),
    cursorAt: (...place) => store.cursorAt(...place),
    increment: (collection, id, options) => store.increment(collection, id, options),
    owner: () => store.messages.owner(),
    isGone: (owner) => store.messages.isGone(owner),
    transact: (writes, events = [], { durability = context.durability } = {}) => {
      const names = () => [...new Set(writes.map(({ collection }) => collection.name))].join(' ');
      const attributes = () => ({
        'db.system.name': context.trace.tracer?.system.store ?? '',
        'db.operation.name': 'transact',
        'db.query.summary': `transact ${names()}`,
        'db.operation.batch.size': writes.length + events.length,
      });
      return inSpan(context.trace, 'transact', 'client', attributes, (trace) => {
        const within = { service, context: trace === context.trace ? context : { ...context, trace } };
        const enqueue = events.map((event) => toOutboxRow(event, ports, within));
        const commit = (line: readonly Write[]) => store.transact([...writes, ...line], { enqueue, durability });
        return audited(context.audit, lineWith(context.audit, ports, writes, events), commit);
      });
    },
  };
};
