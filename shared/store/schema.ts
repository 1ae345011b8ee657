import type { Collection } from '../ports/store.ts';

/** What an engine has to keep: all collections of the platform, and the version of their shape as a whole. */
export interface StoreSchema {
  version: number;
  collections: readonly Collection<string, any>[];
}
