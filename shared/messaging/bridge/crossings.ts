/** The port `crossing` over real buses. */
import { AppError } from '../../kit/errors.ts';
import type { Crossing, Side } from '../../ports/crossing.ts';
import type { OutboxBody } from '../../ports/envelope.ts';
import type { Claimed } from '../../ports/store.ts';
import type { Bus, Outcome } from '../bus.ts';

type Publish = (event: OutboxBody) => Promise<void>;

/** Joins ways to publish; a side that a process has no way to answers `unavailable`. */
export const crossingOf = (ways: Partial<Record<Side, Publish>>): Crossing => ({
  publish: (to, event) => {
    const way = ways[to];
    if (!way) throw new AppError('unavailable', { detail: `This process has no way to ${to}` });
    return way(event);
  },
});

const rowOf = (body: OutboxBody): Claimed => {
  const { message_id: id } = body.envelope;
  return { queue: 'bridge', id, priority: body.priority, available_at: 0, attempts: 1, claim: '', body };
};

const settle = (outcome: Outcome | undefined): void => {
  if (outcome?.kind === 'published') return;
  if (outcome?.kind === 'refused') throw new AppError('invalid_request', { detail: outcome.reason });
  throw new AppError('unavailable', { cause: outcome?.error });
};

/** Publishes through a bus as the relay does. What is asked for at the same time goes in common requests. */
export const throughBus = (bus: Pick<Bus, 'publish'>): Publish => {
  let waiting: { row: Claimed; tell(outcome: Promise<Outcome | undefined>): void }[] = [];
  const flush = (): void => {
    const all = waiting;
    waiting = [];
    const outcomes = bus.publish(all.map(({ row }) => row));
    for (const [i, { tell }] of all.entries()) tell(outcomes.then((list) => list[i]));
  };
  return async (event) => {
    const outcome = new Promise<Outcome | undefined>((tell) => {
      if (waiting.length === 0) setImmediate(flush);
      waiting.push({ row: rowOf(event), tell });
    });
    settle(
      await outcome.catch((cause: unknown) => {
        throw new AppError('unavailable', { cause });
      }),
    );
  };
};
