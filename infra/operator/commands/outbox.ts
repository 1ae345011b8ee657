/** `outbox status`. */
import { OUTBOX } from '../../../shared/messaging/event.ts';
import type { Command } from '../command.ts';
import { age } from '../output.ts';

/** Rows that are looked at for their state. */
const LOOKED_AT = 1_000;

const status: Command = {
  name: 'outbox status',
  summary: 'Says how many events wait to be published, for how long, and why.',
  run: async ({ store, light, out }) => {
    const { messages } = await store();
    const { clock } = await light();
    const now = clock.now();
    const { count, oldest_at } = await messages.depth(OUTBOX);
    const rows = await messages.peek(OUTBOX, LOOKED_AT);
    const failing = rows.filter(({ attempts, reason }) => attempts > 0 && reason !== undefined);
    const delayed = rows.filter(({ available_at, reason }) => available_at > now && reason === undefined).length;
    const tries = Math.max(0, ...failing.map(({ attempts }) => attempts));
    const oldest = oldest_at === undefined ? 0 : Math.max(0, now - oldest_at);
    const told = {
      waiting: count,
      oldest_age_seconds: Math.floor(oldest / 1000),
      delayed,
      failing: failing.length,
      most_tries: tries,
      looked_at: rows.length,
    };
    const parts = [
      `${count} waiting`,
      ...(oldest ? [`the oldest for ${age(oldest)}`] : []),
      ...(delayed ? [`${delayed} not due yet`] : []),
      ...(failing.length ? [`${failing.length} failed to be published, up to ${tries} times: is the bus away?`] : []),
    ];
    out.row(told, parts.join(', '));
    return 0;
  },
};

export const outboxCommands: readonly Command[] = [status];
