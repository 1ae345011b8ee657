/** Rows as Server-Sent Events (WHATWG HTML, 9.2). Pure. */
import { type AppError, toProblem } from '../../kit/errors.ts';

/** How often a stream without rows shows that it lives, in ms: proxies cut what is silent for a minute. */
export const BEAT_MS = 20_000;
/** A comment, which readers pass over. */
export const BEAT = ':\n\n';

/** JSON holds no line ends, and an id with some would begin a field of its own. */
const plain = (id: unknown): string => String(id).replace(/[\r\n\0]/g, '');

/** A row with an `id` carries it, so that a browser that comes back says it. @example eventOf({ id: '1' }) // 'id: 1\ndata: {"id":"1"}\n\n' */
export const eventOf = (row: unknown): string => {
  const { id } = row as { id?: unknown };
  return `${id === undefined ? '' : `id: ${plain(id)}\n`}data: ${JSON.stringify(row)}\n\n`;
};

/** What ends a stream before its time: an event `problem` (RFC 9457). */
export const problemEvent = (error: AppError, requestId: string): string =>
  `event: problem\ndata: ${JSON.stringify(toProblem(error, requestId))}\n\n`;
