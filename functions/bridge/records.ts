/** What the bridge remembers: which event was seen on which side, so that both can be compared. */

import type { Side } from '../../shared/ports/crossing.ts';
import { collection } from '../../shared/ports/store.ts';

/**
 * An event as one side saw it. The side where it entered notes it when the other one confirmed it; the other side notes
 * it when its own bus brings it there. An event that is whole was therefore seen on both.
 */
export interface Sighting {
  side: Side;
  message_type: string;
  routing_key: string;
  /** Unix ms. */
  at: number;
  /** It came over the bridge, and ends here. */
  arrived: boolean;
  /** Why the other side takes it at no time; it is in the dead letters of this side. */
  refused?: string;
  /** No event at all: a message whose dead letter was sent, so that a batch that comes again does not send it again. */
  letter?: true;
}

const HOUR_MS = 3_600_000;

/** The hour of a time, by which sightings are found: `rabbitmq:2026-11-22T20`. */
export const hourOf = (side: Side, at: number): string =>
  `${side}:${new Date(Math.floor(at / HOUR_MS) * HOUR_MS).toISOString().slice(0, 13)}`;

/** One event on one side. */
export const sightingId = (message_id: string, side: Side): string => `${message_id}@${side}`;

export const sightings = collection<Sighting>()('bridge_sightings', {
  indexes: {
    by_hour: {
      hash: ({ side, at, letter }) => (letter ? undefined : hourOf(side, at)),
      sort: ({ at }, id) => `${new Date(at).toISOString()} ${id}`,
    },
  },
});

const DAY_MS = 86_400_000;

/** How far back both sides can be compared, in ms. */
export const COMPARABLE_MS = 7 * DAY_MS;

/**
 * How long a sighting is kept, in ms. The other one of a pair may come as late as a queue keeps a message (14 days in
 * SQS), and both have to be there as long as they can be compared.
 */
export const SIGHTING_TTL_MS = COMPARABLE_MS + 14 * DAY_MS;

export const bridgeCollections = [sightings];
