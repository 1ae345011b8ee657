/** What the command prints: tables for people, NDJSON for machines, a progress bar on a terminal. */
import { redact } from '../../shared/system/redact.ts';

export interface Output {
  readonly json: boolean;
  /** A result: the object for machines, the text for people. */
  row(object: object, text: string): void;
  /** Rows with a line of titles, which people get. */
  rows(objects: readonly object[], titles: readonly string[], cells: readonly (readonly string[])[]): void;
  /** Something for people beside the result. */
  note(text: string): void;
  /** A bar; it shows nothing where nobody looks. */
  progress(total: number, what: string): { step(): void; end(): void };
}

/** Text from elsewhere without what a terminal would obey. */
export const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?');

/** How long ago, in the largest unit that fits. */
export const age = (ms: number): string => {
  const steps: readonly (readonly [number, string])[] = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'm'],
    [1_000, 's'],
  ];
  const [size, unit] = steps.find(([each]) => ms >= each) ?? [1_000, 's'];
  return `${Math.max(0, Math.floor(ms / size))}${unit}`;
};

/** A payload without secrets (tokens, codes), by the same lists as the log. */
export const masked = (payload: unknown): unknown =>
  typeof payload === 'object' && payload !== null
    ? redact(payload)
    : (redact({ payload }) as { payload: unknown }).payload;

const WIDTH = 24;
const EVERY_MS = 100;

/** The line of a bar, or a count where nobody knows of how many. @example bar(5, 10, 'replayed') // '[############············]  50 %  5 of 10 replayed' */
export const bar = (done: number, total: number, what: string): string => {
  if (total <= 0) return `${done} ${what}`;
  const share = Math.min(1, done / total);
  const filled = Math.round(share * WIDTH);
  const percent = String(Math.round(share * 100)).padStart(3);
  return `[${'#'.repeat(filled)}${'·'.repeat(WIDTH - filled)}] ${percent} %  ${done} of ${Math.max(done, total)} ${what}`;
};

/** Output to two streams; the bar goes to the second, if that is a terminal. */
export const createOutput = (json: boolean, out: NodeJS.WriteStream, err: NodeJS.WriteStream): Output => ({
  json,
  row: (object, text) => void out.write(json ? `${JSON.stringify(object)}\n` : `${text}\n`),
  rows: (objects, titles, cells) => {
    if (json) for (const object of objects) out.write(`${JSON.stringify(object)}\n`);
    if (json || cells.length === 0) return;
    const lines = [titles, ...cells.map((row) => row.map(plain))];
    const widths = titles.map((_, at) => Math.max(...lines.map((row) => row[at]!.length)));
    for (const row of lines)
      out.write(
        `${row
          .map((cell, at) => cell.padEnd(widths[at]!))
          .join('  ')
          .trimEnd()}\n`,
      );
  },
  note: (text) => void err.write(`${text}\n`),
  progress: (total, what) => {
    let done = 0;
    let shown = 0;
    const show = (): void => {
      if (!err.isTTY || json) return;
      shown = performance.now();
      err.write(`\r${bar(done, total, what)}\u001b[K`);
    };
    show();
    return {
      step: () => {
        done++;
        if (performance.now() - shown > EVERY_MS) show();
      },
      end: () => {
        show();
        if (err.isTTY && !json) err.write('\n');
      },
    };
  },
});
