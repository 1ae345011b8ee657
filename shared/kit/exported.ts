/** What services give of what they keep about a user, for the user. */
import * as z from 'zod';
import type { Page, Stored } from '../ports/store.ts';

/** Of a list of one kind; longer ones have their own way, page by page. */
const MOST_ROWS = 2_000;

const Row = z.record(z.string(), z.unknown());
export type ExportedRow = z.output<typeof Row>;

/** Rows by what they are; `truncated` names the lists of which only the newest rows are here. */
export const Exported = z.object({ data: z.record(z.string(), z.array(Row)), truncated: z.array(z.string()) });
export type Exported = z.output<typeof Exported>;

/** The rows of a list, page by page, each as its user may see it: a secret is left out by naming what is not one. */
export const rowsOf = async <T>(
  name: string,
  pageAt: (cursor: string | undefined) => Promise<Page<T>>,
  shown: (record: Stored<T>) => ExportedRow,
): Promise<Exported> => {
  const rows: ExportedRow[] = [];
  let cursor: string | undefined;
  do {
    const page = await pageAt(cursor);
    rows.push(...page.items.map(shown));
    cursor = page.next_cursor;
  } while (cursor !== undefined && rows.length < MOST_ROWS);
  return { data: { [name]: rows }, truncated: cursor === undefined ? [] : [name] };
};

/** Several as one. */
export const together = (...parts: readonly Exported[]): Exported => ({
  data: Object.assign({}, ...parts.map(({ data }) => data)),
  truncated: parts.flatMap(({ truncated }) => truncated),
});

/** Records that are there or not, as lists of one. */
export const single = (name: string, row: ExportedRow | undefined): Exported => ({
  data: { [name]: row ? [row] : [] },
  truncated: [],
});
