/**
 * What was used lately, by key: of at most twice `most` entries those that nobody asked for are forgotten.
 *
 * Two generations: when the young one is full it becomes the old one, and what is asked for again moves back. So nothing
 * is put in order at each use, as with hashlru and quick-lru, which is more than the verifier's path needs.
 *
 * @example const known = new Recent<string, Claims>(1000); known.set(token, claims); known.get(token)
 */
export class Recent<K, V> {
  readonly #most: number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();

  constructor(most: number) {
    this.#most = most;
  }

  get(key: K): V | undefined {
    const found = this.#young.get(key);
    if (found !== undefined) return found;
    const older = this.#old.get(key);
    if (older !== undefined) this.set(key, older);
    return older;
  }

  set(key: K, value: V): void {
    this.#young.set(key, value);
    if (this.#young.size < this.#most) return;
    this.#old = this.#young;
    this.#young = new Map();
  }

  delete(key: K): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }
}
