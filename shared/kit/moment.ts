/** Moments in events, as ISO 8601. Ours end in Z; others leave the offset out and mean UTC. */
import * as z from 'zod';

const WITHOUT_OFFSET = /T\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?$/;

/** A moment with its offset: UTC where none is told. Other text stays as it is. @example utc('2026-05-09T12:33:41.5') // '2026-05-09T12:33:41.5Z' */
export const utc = (text: string): string => (WITHOUT_OFFSET.test(text) ? `${text.replace(',', '.')}Z` : text);

/** A field that holds a moment. */
export const Moment = z
  .string()
  .transform(utc)
  .pipe(z.iso.datetime({ offset: true }));

/** The end of the year 9999: ISO 8601 has no later one. */
const LAST_S = 253_402_300_799;
const error = 'Use whole unix seconds, e.g. 1798761600, or ISO 8601, e.g. 2027-01-01T00:00:00Z';

/** A moment that a caller names: whole unix seconds, as all times of requests; ISO 8601 with its offset is taken as well. */
export const NamedMoment = z
  .union([z.int(error).min(0).max(LAST_S), z.iso.datetime({ offset: true, error })], { error })
  .meta({ examples: [1_798_761_600] });

/** A named moment as events have it. @example isoOf(1_798_761_600) // '2027-01-01T00:00:00.000Z' */
export const isoOf = <T extends string | undefined>(named: T | number): T | string =>
  typeof named === 'number' ? new Date(named * 1_000).toISOString() : named;
