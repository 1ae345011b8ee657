/** The store as one operation sees it: its events become outbox rows of the same transaction. */

import type { Envelope, OutboxBody } from '../ports/envelope.ts';
import type { Ports } from '../ports/index.ts';
import type { Effects, NewMessage, Write } from '../ports/store.ts';
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

/** A class and no closures: a stream holds one for as long as somebody listens. */
class BoundStore {
  readonly #ports: Ports;
  readonly #op: Operation<any, any>;
  readonly #context: Context;

  constructor(ports: Ports, op: Operation<any, any>, context: Context) {
    this.#ports = ports;
    this.#op = op;
    this.#context = context;
  }

  get(...of: Of<'get'>) {
    return this.#ports.store.get(...of);
  }

  getMany(...of: Of<'getMany'>) {
    return this.#ports.store.getMany(...of);
  }

  query(...of: Of<'query'>) {
    return this.#ports.store.query(...of);
  }

  cursorAt(...of: Of<'cursorAt'>): string {
    return this.#ports.store.cursorAt(...of);
  }

  increment(...of: Of<'increment'>): Promise<number> {
    return this.#ports.store.increment(...of);
  }

  owner(): Promise<string> {
    return this.#ports.store.messages.owner();
  }

  isGone(owner: string): Promise<boolean> {
    return this.#ports.store.messages.isGone(owner);
  }

  transact(
    writes: readonly Write[],
    events: readonly NewEvent[] = [],
    { durability = this.#context.durability }: Pick<Effects, 'durability'> = {},
  ): Promise<void> {
    const [ports, context] = [this.#ports, this.#context];
    const names = () => [...new Set(writes.map(({ collection }) => collection.name))].join(' ');
    const attributes = () => ({
      'db.system.name': context.trace.tracer?.system.store ?? '',
      'db.operation.name': 'transact',
      'db.query.summary': `transact ${names()}`,
      'db.operation.batch.size': writes.length + events.length,
    });
    return inSpan(context.trace, 'transact', 'client', attributes, (trace) => {
      const within = {
        service: serviceOf(this.#op),
        context: trace === context.trace ? context : { ...context, trace },
      };
      const enqueue = events.map((event) => toOutboxRow(event, ports, within));
      const commit = (line: readonly Write[]) => ports.store.transact([...writes, ...line], { enqueue, durability });
      return audited(context.audit, lineWith(context.audit, ports, writes, events), commit);
    });
  }
}

type Of<M extends 'get' | 'getMany' | 'query' | 'cursorAt' | 'increment'> = Parameters<Ports['store'][M]>;

export const bindStore = (ports: Ports, op: Operation<any, any>, context: Context): OperationStore<any, any, any> =>
  new BoundStore(ports, op, context) as unknown as OperationStore<any, any, any>;
