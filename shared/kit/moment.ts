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
