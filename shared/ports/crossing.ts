import type { OutboxBody } from './envelope.ts';

/** The two buses that a bridge joins. */
export const SIDES = ['rabbitmq', 'eventbridge'] as const;
export type Side = (typeof SIDES)[number];

/**
 * What a bridge publishes with: resolves when the other side has the event for good.
 *
 * Throws AppError `unavailable` when it may work later (also when nobody knows whether it arrived), `invalid_request`
 * with the reason in `detail` when that side takes it at no time.
 */
export interface Crossing {
  publish(to: Side, event: OutboxBody): Promise<void>;
}
