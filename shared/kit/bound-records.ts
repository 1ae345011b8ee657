import { type Counter, collection } from '../ports/store.ts';

/** By a keyed hash of operation, client and window: calls. */
export const callCounts = collection<Counter>()('call_counts', { counts: true });
