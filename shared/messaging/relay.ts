/**
 * The outbox relay: claims rows that operations committed, publishes them and settles them.
 *
 * Rows are claimed, never read by "id above the last one", so no commit order can hide one. Between any two steps the
 * process may be killed: the claim ends and the row is published again by whoever claims it next. Several relays work
 * beside each other; rows of one user are claimed one at a time, in their order.
 */

import { OUTBOX } from '../kit/event.ts';
import type { Ports } from '../ports/index.ts';
import { type Claimed, type NewMessage, WriteConflict } from '../ports/store.ts';
import { publishDelay, unitRandom } from './backoff.ts';
import type { Bus, Outcome } from './bus.ts';
import { toDeadLetter } from './dead-letters.ts';
import { idsOfBody } from './line-ids.ts';
import { producing } from './producing.ts';
import { type Pump, startPump } from './pump.ts';

const BATCH = 50;
/** A transaction of the store takes 100 changes. */
const CHANGES = 100;
/** A publish takes milliseconds; after a crash the rows come again this much later. */
const LEASE_MS = 15_000;

export type RelayPorts = Pick<Ports, 'store' | 'clock' | 'ids' | 'log' | 'metrics' | 'tracer'>;

interface Settling {
  row: Claimed;
  enqueue: readonly NewMessage[];
  result: 'published' | 'unroutable' | 'refused';
}

/**
 * One step of the relay: claims rows, publishes and settles them. It says how many it took; 0 when none can be claimed.
 * `onTaken` hears which, before they are published.
 *
 * @example const step = relayStep(host.ports, bus); while (await step()) continue;
 */
export const relayStep = (ports: RelayPorts, bus: Bus, onTaken: (rows: readonly Claimed[]) => void = () => {}) => {
  const { store, clock, ids, log, metrics, tracer } = ports;
  const publishing = Object.freeze({ bus: bus.name ?? 'other' });
  const count = (result: string, by = 1): void => metrics.count('perfect21_outbox_messages_total', { result }, by);

  const giveBack = async (row: Claimed, error: unknown): Promise<void> => {
    count('failed');
    log.warn('outbox.publish_failed', {
      message_id: row.id,
      ...idsOfBody(row.body),
      attempts: row.attempts,
      cause: error,
    });
    const available_at = clock.now() + publishDelay(row.attempts, unitRandom(ids));
    await store.messages.release(row, { available_at, reason: 'publish failed' });
  };

  const commit = async (batch: readonly Settling[]): Promise<void> => {
    try {
      await store.transact([], {
        settle: batch.map(({ row }) => row),
        enqueue: batch.flatMap(({ enqueue }) => enqueue),
      });
    } catch (error) {
      if (!(error instanceof WriteConflict)) throw error;
      // one claim of the batch was lost to another relay: each by itself, so that it costs the others nothing
      if (batch.length > 1) for (const each of batch) await commit([each]);
      else count('lost');
      return;
    }
    for (const { row, result } of batch) {
      count(result);
      if (result === 'refused') log.error('outbox.parked', { message_id: row.id, ...idsOfBody(row.body) });
    }
  };

  const settlingOf = (row: Claimed, outcome: Exclude<Outcome, { kind: 'failed' }>): Settling =>
    outcome.kind === 'refused'
      ? { row, enqueue: [toDeadLetter(row, outcome.reason, clock.now())], result: 'refused' }
      : { row, enqueue: outcome.deliveries ?? [], result: outcome.unroutable ? 'unroutable' : 'published' };

  return async (): Promise<number> => {
    if (bus.ready?.() === false) return 0;
    const rows = await store.messages.claim(OUTBOX, { limit: BATCH, lease_ms: LEASE_MS, firm: bus.outside });
    if (rows.length === 0) return 0;
    onTaken(rows);
    const traced = tracer && producing(tracer, rows);
    const started = performance.now();
    const outcomes = await bus
      .publish(traced?.rows ?? rows)
      .catch((error: unknown): Outcome[] => rows.map(() => ({ kind: 'failed', error })));
    metrics.observe('perfect21_event_publish_seconds', publishing, (performance.now() - started) / 1_000);
    traced?.end(outcomes);
    let batch: Settling[] = [];
    let changes = 0;
    for (const [at, row] of rows.entries()) {
      const outcome: Outcome = outcomes[at] ?? { kind: 'failed', error: new Error('the bus gave no outcome') };
      if (outcome.kind === 'failed') {
        await giveBack(row, outcome.error);
        continue;
      }
      const settling = settlingOf(row, outcome);
      const cost = 1 + settling.enqueue.length;
      if (changes + cost > CHANGES) {
        await commit(batch);
        batch = [];
        changes = 0;
      }
      batch.push(settling);
      changes += cost;
    }
    if (batch.length) await commit(batch);
    return rows.length;
  };
};

/** Starts the relay of a bus. `onTaken` hears how many rows each claim gave. */
export const startRelay = (ports: RelayPorts, bus: Bus, onTaken?: (count: number) => void): Pump => {
  const { store, log } = ports;
  const take = relayStep(ports, bus, (rows) => onTaken?.(rows.length));
  const pump = startPump({ take, onError: (cause) => log.warn('outbox.unavailable', { cause }) });
  const unsubscribe = store.onCommit((queues) => queues.has(OUTBOX) && pump.wake());
  const unwatch = bus.onReady?.(pump.wake);
  return {
    ...pump,
    stop: () => {
      unsubscribe();
      unwatch?.();
      return pump.stop();
    },
  };
};
