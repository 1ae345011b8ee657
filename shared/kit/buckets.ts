/** Token buckets in this process: they stop a flood before it costs a look into the store. */

interface Bucket {
  tokens: number;
  /** Unix ms. */
  at: number;
}

/** Buckets that are remembered: the oldest is forgotten, which is a full one again. */
const MOST = 20_000;

export class Buckets {
  readonly #buckets = new Map<string, Bucket>();

  /**
   * Takes a token of a bucket that holds `most` and fills up within `window_ms`.
   *
   * @returns 0, or in how many ms there is one
   */
  take(key: string, most: number, window_ms: number, now: number): number {
    const rate = most / window_ms;
    const before = this.#buckets.get(key) ?? { tokens: most, at: now };
    const tokens = Math.min(most, before.tokens + Math.max(0, now - before.at) * rate);
    this.#keep(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    return tokens >= 1 ? 0 : (1 - tokens) / rate;
  }

  /** Leaves a bucket so empty that there is a token in `wait_ms`: others in the store had the rest. */
  drain(key: string, most: number, window_ms: number, now: number, wait_ms: number): void {
    this.#keep(key, { tokens: 1 - wait_ms * (most / window_ms), at: now });
  }

  #keep(key: string, bucket: Bucket): void {
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > MOST) this.#buckets.delete(this.#buckets.keys().next().value!);
  }
}
