import type { Collection, Store } from '../ports/store.ts';

/** What an engine has to keep: all collections of the platform, and the version of their shape as a whole. */
export interface StoreSchema {
  version: number;
  collections: readonly Collection<string, any>[];
  /** The oldest version whose programs still work on this shape, so that they may run beside; this one when left out. */
  serves_from?: number;
  /**
   * Does what has to wait until no program of an older release runs any more: index values of what those wrote meanwhile,
   * and the end of what only they used.
   */
  finish?: boolean;
  /**
   * Makes records that follow from others, where an older release did not write them with those. Called by every program but
   * functions when the store is open and in shape: it has to be quick to know that all is done, and safe to repeat.
   */
  fill?: (store: Store) => Promise<void>;
}

/** A step from one version of the shape to the next, as it is for programs of the release before. */
export type SchemaChange = { version: number; what: string } & (
  | { kind: 'expand' }
  /** `without`: the first release that does not need what ends here, and the schema version that it has. */
  | { kind: 'contract'; without: { release: string; schema: number } }
);

/**
 * The version after all changes, and from which on programs work on it.
 *
 * @param before the version in which the list of changes begins
 */
export const shapeAfter = (before: number, changes: readonly SchemaChange[]) => ({
  version: changes.at(-1)?.version ?? before,
  serves_from: Math.max(before, ...changes.map((each) => (each.kind === 'contract' ? each.without.schema : before))),
});
