import type { Collection, Store } from '../ports/store.ts';

/** What an engine has to keep: all collections of the platform, and the version of their shape as a whole. */
export interface StoreSchema {
  version: number;
  collections: readonly Collection<string, any>[];
  /**
   * Makes records that follow from others, where an older release did not write them with those. Called by every program but
   * functions when the store is open and in shape: it has to be quick to know that all is done, and safe to repeat.
   */
  fill?: (store: Store) => Promise<void>;
}
