/** What metrics cost: `POST /api/v1/auth/validate` with all that a process counts, beside the same platform that counts nothing. */
import { type Bench, ratioRow } from './bench.ts';
import { besideEachOther } from './beside.ts';

const LEAST = 0.97;

export const bench: Bench = {
  name: 'metrics',
  run: async () => [
    ratioRow('validate with metrics, beside without', await besideEachOther({}, { silent: true }), LEAST),
  ],
};
