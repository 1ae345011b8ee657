/** Seeds of factors under the newest key, so that an older master secret can be retired without taking a factor away. */
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { type Store, update } from '../../shared/ports/store.ts';
import type { Vault } from '../../shared/ports/vault.ts';
import { factors } from './records.ts';
import { openSeed, sealSeed } from './seed.ts';

/** Seals anew what older keys sealed, and says how many seeds that were. */
export const resealSeeds = async (store: Pick<Store, 'get' | 'query' | 'transact'>, vault: Vault): Promise<number> => {
  let sealed = 0;
  const reseal = (user_id: string, key: string): Promise<void> =>
    retryConflict(async () => {
      const factor = await store.get(factors, user_id);
      if (!factor?.value.sealed_seed.startsWith(`${key}.`)) return;
      const seed = await openSeed(vault, user_id, factor.value.sealed_seed);
      const sealed_seed = await sealSeed(vault, user_id, seed);
      await store.transact([update(factors, factor, { ...factor.value, sealed_seed })]);
      sealed += 1;
    });
  for (const key of vault.former) {
    for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
      const page = await store.query(factors, 'by_key', key, { limit: 100, cursor });
      for (const { id } of page.items) await reseal(id, key);
      cursor = page.next_cursor;
    }
  }
  return sealed;
};
