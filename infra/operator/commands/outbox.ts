/** `outbox status`. */
import { OUTBOX } from '../../../shared/kit/event.ts';
import type { Command } from '../command.ts';
import { age } from '../output.ts';

/** Rows that are looked at for their state. */
const LOOKED_AT = 1_000;

const status: Command = {
  name: 'outbox status',
  summary: 'Says how many events wait to be published, for how long, and why.',
  details: [
    'Of more than 1,000 it looks at the first 1,000 for what is not due yet and what failed. A relay leaves events alone',
    'while RabbitMQ is away, so they carry no reason: the command asks RabbitMQ itself.',
  ],
  run: async ({ store, light, busAway, out }) => {
    const { messages } = await store();
    const { clock } = await light();
    const now = clock.now();
    const { count, oldest_at } = await messages.depth(OUTBOX);
    const rows = await messages.peek(OUTBOX, LOOKED_AT);
    const failing = rows.filter(({ attempts, reason }) => attempts > 0 && reason !== undefined);
    const delayed = rows.filter(({ available_at, reason }) => available_at > now && reason === undefined).length;
    const tries = Math.max(0, ...failing.map(({ attempts }) => attempts));
    const oldest = oldest_at === undefined ? 0 : Math.max(0, now - oldest_at);
    const bus_away = count > delayed ? await busAway() : undefined;
    const told = {
      waiting: count,
      oldest_age_seconds: Math.floor(oldest / 1000),
      delayed,
      failing: failing.length,
      most_tries: tries,
      looked_at: rows.length,
      ...(bus_away !== undefined && { bus_away }),
    };
    const of = rows.length < count ? ` of the first ${rows.length.toLocaleString('en')}` : '';
    const failed = `${failing.length}${of} failed to be published, up to ${tries} times`;
    const parts = [
      `${count} waiting`,
      ...(oldest ? [`the oldest for ${age(oldest)}`] : []),
      ...(delayed ? [`${delayed}${of} not due yet`] : []),
      ...(failing.length ? [bus_away ? failed : `${failed}: is the bus away?`] : []),
      ...(bus_away ? [bus_away] : []),
    ];
    out.row(told, parts.join(', '));
    return 0;
  },
};

export const outboxCommands: readonly Command[] = [status];
