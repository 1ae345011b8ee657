/**
 * How the shape of what is kept changed, newest last. Programs of the release before run beside new ones for a while, so
 * each change is one that they survive (infra/decisions/0063-changes-of-shape.md; `npm run check` compares):
 *
 * - `expand`: a collection, an index, an optional field more;
 * - `contract`: one less, or values of a new version. It names the first release that does without what ends.
 */
import type { SchemaChange } from '../shared/store/schema.ts';

/** Up to here nobody noted what changed. */
export const BEGINNING = 9;

export const changes: readonly SchemaChange[] = [
  { version: 10, kind: 'expand', what: 'presence: which devices of a user are connected' },
  { version: 11, kind: 'expand', what: 'connections and listeners: WebSockets that API Gateway holds' },
  { version: 12, kind: 'expand', what: 'passkeys, and whose each is' },
];
