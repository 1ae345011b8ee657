/**
 * Hears broadcasts in one process: hands each event at most once to the operations that hear it, and lets them catch up
 * on what they may have missed.
 *
 * A bus says `connected` when everything that is published from now on comes, `missed` when it may not, and delivers.
 * What comes while the operations catch up waits; what may be missing is never guessed, it is caught up on.
 */
import { setImmediate as nextLoop, setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../kit/context.ts';
import { toAppError, toBatchVerdict } from '../kit/errors.ts';
import { catchUp, type Host, invoke, tellMissed } from '../kit/invoke.ts';
import type { Operation } from '../kit/operation.ts';
import { continueTrace } from '../kit/trace.ts';
import type { OutboxBody } from '../ports/envelope.ts';
import { publishDelay, unitRandom } from './backoff.ts';
import { readOutboxBody } from './bus.ts';
import { HANDLING_MS } from './consumer.ts';
import { consuming } from './consuming.ts';
import type { AnyEnvelope } from './envelope.ts';
import type { Listener } from './hearing.ts';
import { idsOfEvent } from './line-ids.ts';
import { match } from './topic.ts';

/** Events that wait for a slow operation, and ids that are remembered. With more waiting, all are given up and caught up on. */
const MOST = 10_000;
/** Places of events that were taken, after which the rest moves up. */
const DROPPED = 1_024;
/** How long events are handled before the loop looks at its sockets again. */
const SLICE_MS = 5;

const contextOf = (host: Host, request_id: string, trace = continueTrace()): Context => ({
  request_id,
  trace,
  caller: { kind: 'service', name: 'bus', permissions: [] },
  client: {},
  door: 'queue',
  deadline: host.ports.clock.now() + HANDLING_MS,
});

/** Starts with everything missing. */
export const startListener = (host: Host, ops: readonly Operation<any, any>[]): Listener => {
  const { ids, log, metrics } = host.ports;
  /** As they were brought, read one by one: thousands that come at once must not stop the loop. */
  let waiting: unknown[] = [];
  /** Where the next one stands: taking the first of thousands away would move all others. */
  let next = 0;
  /** Ids that came, in two halves: to drop the oldest of one set, one by one, takes a walk over what was dropped before. */
  let [seen, seenBefore] = [new Set<string>(), new Set<string>()];
  /** Counts what changes whether anything is missing: what began before is void. */
  let turn = 0;
  let live = false;
  let connected = false;
  let stopped = false;
  let working: Promise<void> | undefined;
  let catching: Promise<void> | undefined;
  /** Gaps by operations that fail, in a row: the further ones are caught up on more slowly. */
  let failures = 0;

  const count = (operation: string, result: string): void =>
    metrics.count('perfect21_broadcasts_total', { operation, result });

  const forget = (): void => {
    waiting = [];
    next = 0;
  };
  const take = (): unknown => {
    const body = waiting[next];
    waiting[next] = undefined;
    next += 1;
    if (next === waiting.length) forget();
    else if (next === DROPPED) {
      waiting.splice(0, next);
      next = 0;
    }
    return body;
  };

  const hand = async (op: Operation<any, any>, envelope: AnyEnvelope): Promise<boolean> => {
    // what each process hears is one span of each
    const span = consuming(host.ports.tracer, 'broadcast', envelope, 1);
    try {
      const trace = span?.trace ?? continueTrace(envelope.metadata?.traceparent);
      await invoke(host, op, envelope, contextOf(host, envelope.correlation_id ?? envelope.message_id, trace));
      count(op.name, 'done');
      span?.end();
      return true;
    } catch (thrown) {
      const error = toAppError(thrown);
      span?.end(error.code);
      const told = { operation: op.name, ...idsOfEvent(envelope), error_code: error.code };
      log.warn('broadcast.failed', { ...told, cause: error });
      // what will never work is no gap: the next one may
      const refused = toBatchVerdict(error) === 'park';
      count(op.name, refused ? 'refused' : 'failed');
      return refused;
    }
  };

  const work = async (): Promise<void> => {
    let since = performance.now();
    while (live && waiting.length > 0) {
      const event = readOutboxBody(take());
      for (const op of event ? ops : []) {
        const { envelope, routing_key } = event!;
        const { types, bindings, wants } = op.subscription!;
        if (!types.includes(envelope.message_type) || !bindings.some((binding) => match(binding, routing_key)))
          continue;
        if (wants && !wants(envelope.data)) continue;
        if (await hand(op, envelope)) failures = 0;
        else {
          failures++;
          gap();
          join();
        }
      }
      // what an event sets off here, such as thousands of frames, must not keep everybody else waiting
      if (performance.now() - since > SLICE_MS) {
        await nextLoop();
        since = performance.now();
      }
    }
  };
  const kick = (): void => {
    if (!live || working || waiting.length === 0) return;
    working = work().finally(() => {
      working = undefined;
      kick();
    });
  };

  const gap = (): void => {
    turn++;
    live = false;
    forget();
    for (const op of ops) {
      try {
        tellMissed(host, op, contextOf(host, ids.uuid()));
      } catch (cause) {
        log.error('broadcast.failed', { operation: op.name, cause });
      }
    }
  };

  /** Catches up, however often that takes, and goes on with what came meanwhile. */
  const join = (): void => {
    const own = ++turn;
    live = false;
    const current = (): boolean => own === turn && !stopped;
    const run = async (): Promise<void> => {
      const pending = new Set(ops);
      for (let tries = failures; current() && pending.size > 0; tries++) {
        if (tries > 0) await sleep(publishDelay(tries, unitRandom(ids)), undefined, { ref: false });
        for (const op of pending) {
          if (!current()) return;
          try {
            await catchUp(host, op, contextOf(host, ids.uuid()));
            pending.delete(op);
            count(op.name, 'caught_up');
          } catch (cause) {
            log.warn('broadcast.not_caught_up', { operation: op.name, cause });
          }
        }
      }
      if (!current()) return;
      live = true;
      kick();
    };
    // one after the other: what an earlier one learns late must not undo what a later one learnt
    const running: Promise<void> = (catching ?? Promise.resolve()).then(run).finally(() => {
      if (catching === running) catching = undefined;
    });
    catching = running;
  };

  gap();
  return {
    bindings: [...new Set(ops.flatMap(({ subscription }) => subscription!.bindings))],
    connected: () => {
      if (stopped) return;
      connected = true;
      join();
    },
    missed: () => {
      if (stopped || !connected) return;
      connected = false;
      gap();
    },
    deliver: (body) => {
      if (stopped || !connected) return;
      const id = (body as Partial<OutboxBody> | undefined)?.envelope?.message_id;
      if (typeof id !== 'string' || seen.has(id) || seenBefore.has(id)) return;
      seen.add(id);
      if (seen.size >= MOST) [seen, seenBefore] = [new Set(), seen];
      if (waiting.push(body) - next > MOST) {
        log.warn('broadcast.overrun', { detail: `${MOST} events waited: they are given up and caught up on` });
        gap();
        join();
      } else kick();
    },
    settled: async () => {
      while (!stopped && connected && (catching || working)) await (catching ?? working);
    },
    stop: () => {
      stopped = true;
      turn++;
      live = false;
      forget();
    },
  };
};
