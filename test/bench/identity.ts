/** Accounts and permissions by the million. Each part is a file of its own in identity/. */
import type { Bench } from './bench.ts';
import { changes } from './identity/changes.ts';
import { decisions } from './identity/decisions.ts';
import { lists } from './identity/lists.ts';

const PARTS = [decisions, changes, lists] as const;

export const bench: Bench = {
  name: 'identity',
  run: async () => {
    const rows = [];
    for (const part of PARTS) rows.push(...(await part()));
    return rows;
  },
};
