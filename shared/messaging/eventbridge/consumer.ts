/** A process that takes messages of an SQS queue itself, where no function does: removes what is done, and only then. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ports } from '../../ports/index.ts';
import { unitRandom } from '../backoff.ts';
import type { Verdict } from '../queue.ts';
import type { Received, SqsQueue } from './sqs.ts';

/** Requests that wait for messages at a time, of ten messages each. */
const POLLERS = 2;
/** Seconds that a request waits. A stop lets it end: what SQS hands to a request that nobody awaits is hidden a while. */
const WAIT_S = 5;
const CLOSED_MS = 250;
/** Ms before the next try to reach SQS: the first, and what it grows to. */
const AWAY = { from: 500, to: 10_000 };

export interface SqsConsumer {
  /** False while SQS does not answer. */
  ready(): boolean;
  /** Takes no more; resolves when what is under way has ended. What is left comes again by itself. */
  stop(): Promise<void>;
}

export interface SqsConsumerOptions {
  pollers?: number;
  wait_s?: number;
  open?: () => boolean;
}

/** Starts consuming. `take` never throws; nothing is taken while `open` says false. */
export const startSqsConsumer = (
  { clock, ids, log }: Pick<Ports, 'clock' | 'ids' | 'log'>,
  queue: SqsQueue,
  take: (message: Received) => Promise<Verdict>,
  { pollers = POLLERS, wait_s = WAIT_S, open = () => true }: SqsConsumerOptions = {},
): SqsConsumer => {
  const stopping = new AbortController();
  let away: string | undefined;

  const settle = async (message: Received): Promise<void> => {
    try {
      const verdict = await take(message);
      if (verdict.kind === 'retry') return await queue.retry(message, unitRandom(ids));
      if (verdict.kind === 'park') await queue.park(message, verdict.reason, clock.now());
      await queue.remove(message);
    } catch (cause) {
      // it comes again when its time of being hidden ends
      log.warn('queue.settle_failed', { cause });
    }
  };

  const poll = async (): Promise<void> => {
    let wait = AWAY.from;
    while (!stopping.signal.aborted) {
      if (!open()) {
        await sleep(CLOSED_MS, undefined, { signal: stopping.signal }).catch(() => {});
        continue;
      }
      try {
        const messages = await queue.receive(wait_s);
        if (away !== undefined) log.info('bus.connected', { link: 'sqs' });
        away = undefined;
        wait = AWAY.from;
        await Promise.all(messages.map(settle));
      } catch (cause) {
        if (stopping.signal.aborted) return;
        const detail = `SQS is away: ${(cause as Error).message}`;
        if (detail !== away) log.error('bus.away', { link: 'sqs', detail });
        away = detail;
        await sleep(wait * (0.5 + unitRandom(ids)), undefined, { signal: stopping.signal }).catch(() => {});
        wait = Math.min(wait * 2, AWAY.to);
      }
    }
  };
  const polling = Promise.all(Array.from({ length: pollers }, poll));

  return {
    ready: () => away === undefined,
    stop: async () => {
      stopping.abort();
      await polling;
    },
  };
};
