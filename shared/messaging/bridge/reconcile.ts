/**
 * Compares what both sides of the bridge saw over a period, and says what is missing where.
 *
 * Each side notes an event when its own bus brought it (functions/bridge/records.ts), so an event that the other bus
 * confirmed and lost is found, too. What the bridge never took is in no note, and not found. It costs two records of
 * the store for each event, kept for three weeks: on DynamoDB a read and two writes with one index each, some 6 units of
 * capacity. Reading a period costs its records and as many look-ups.
 */
import { beyond } from '../../../functions/bridge/carry.ts';
import { hourOf, type Sighting, sightingId, sightings } from '../../../functions/bridge/records.ts';
import { SIDES, type Side } from '../../ports/crossing.ts';
import type { Reader, Stored } from '../../ports/store.ts';

const HOUR_MS = 3_600_000;
const PAGE = 500;
/** What was seen less than this before the look may still be on its way, in ms. */
export const UNDER_WAY_MS = 120_000;

export interface Missing {
  message_id: string;
  message_type: string;
  routing_key: string;
  seen_on: Side;
  missing_on: Side;
  /** ISO 8601 UTC. */
  seen_at: string;
  /** Why the other side refused it; it waits in the dead letters of the side that saw it. */
  reason?: string;
}

export interface Reconciliation {
  /** Events seen on each side in the period. */
  seen: Record<Side, number>;
  /** Oldest first. */
  missing: Missing[];
  /** Events that only one side has seen, but just now. */
  under_way: number;
}

async function* seenOn(store: Reader, side: Side, from: number, to: number): AsyncGenerator<Stored<Sighting>[]> {
  for (let hour = Math.floor(from / HOUR_MS) * HOUR_MS; hour < to; hour += HOUR_MS) {
    let cursor: string | undefined;
    do {
      const start = new Date(from).toISOString();
      const page = await store.query(sightings, 'by_hour', hourOf(side, hour), { limit: PAGE, from: start, cursor });
      yield page.items.filter(({ value }) => value.at < to);
      cursor = page.next_cursor;
    } while (cursor);
  }
}

/**
 * Compares both sides for what was seen from `from` until `to` (unix ms, `to` excluded). An event counts as there
 * whenever the other side saw it, in the period or out of it.
 *
 * @example const { missing } = await reconcile(store, { from: now - 86_400_000, to: now, now });
 */
export const reconcile = async (
  store: Reader,
  { from, to, now }: { from: number; to: number; now: number },
): Promise<Reconciliation> => {
  const result: Reconciliation = { seen: { rabbitmq: 0, eventbridge: 0 }, missing: [], under_way: 0 };
  for (const side of SIDES) {
    const other = beyond(side);
    for await (const found of seenOn(store, side, from, to)) {
      result.seen[side] += found.length;
      const ids = found.map(({ id }) => id.slice(0, -(side.length + 1)));
      const there = await store.getMany(
        sightings,
        ids.map((id) => sightingId(id, other)),
      );
      for (const [i, { value }] of found.entries()) {
        const message_id = ids[i]!;
        if (there.has(sightingId(message_id, other))) continue;
        const { message_type, routing_key, at, refused } = value;
        if (refused === undefined && at > now - UNDER_WAY_MS) {
          result.under_way++;
          continue;
        }
        const seen_at = new Date(at).toISOString();
        result.missing.push({
          ...{ message_id, message_type, routing_key, seen_on: side, missing_on: other, seen_at },
          ...(refused !== undefined && { reason: refused }),
        });
      }
    }
  }
  result.missing.sort((a, b) => (a.seen_at < b.seen_at ? -1 : 1));
  return result;
};

/** What is compared, and what is not: for who reads the result. */
export const COMPARED =
  'compared: what the bridge took and noted on either side; not what it never got: dropped by or expired in a queue ' +
  '(see "dlq list" on each side), or kept from it by a missing binding or rule (see "topology diff")';

/** The result as lines for a terminal. No payload is in them. */
export const linesOf = ({ seen, missing, under_way }: Reconciliation): string[] => [
  COMPARED,
  `seen on RabbitMQ ${seen.rabbitmq}, on EventBridge ${seen.eventbridge}; under way ${under_way}; missing ${missing.length}`,
  ...missing.map(
    ({ message_id, message_type, seen_on, missing_on, seen_at, reason }) =>
      `${seen_at}  ${message_id}  ${message_type}  on ${seen_on}, not on ${missing_on}${reason ? `: ${reason}` : ''}`,
  ),
];
