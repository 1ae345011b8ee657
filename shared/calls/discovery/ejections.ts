/** Passes over instances that keep failing, which a registry learns of later or, for one that hangs, never. */
import type { Address } from './discovery.ts';
import type { Candidate } from './policies.ts';

/** Failures in a row that eject an instance. */
export const EJECT_AFTER = 3;
export const EJECT_MS = 30_000;

/**
 * A breaker for each instance: three failures in a row eject it for 30 s, then it has a new chance. At most half of the
 * instances are out, the last ones ejected: when all fail it is not they who are at fault.
 */
export class Ejections {
  readonly #now: () => number;
  readonly #failures = new Map<Address, number>();
  /** Since when, in the order of time. */
  readonly #ejected = new Map<Address, number>();

  /** @param now unix ms */
  constructor(now: () => number) {
    this.#now = now;
  }

  succeeded(address: Address): void {
    this.#failures.delete(address);
  }

  /** Whether this failure ejects the instance. */
  failed(address: Address): boolean {
    const failures = (this.#failures.get(address) ?? 0) + 1;
    this.#failures.set(address, failures);
    if (failures < EJECT_AFTER || this.#isOut(address)) return false;
    this.#failures.delete(address);
    this.#ejected.set(address, this.#now());
    return true;
  }

  /** The candidates that are not out. */
  remaining<C extends Candidate>(candidates: readonly C[]): readonly C[] {
    if (this.#ejected.size === 0) return candidates;
    const inside = new Set(candidates.map(({ address }) => address));
    const out = [...this.#ejected.keys()].filter((address) => inside.has(address) && this.#isOut(address));
    const most = Math.floor(candidates.length / 2);
    const passed = new Set(out.slice(Math.max(0, out.length - most)));
    return passed.size > 0 ? candidates.filter(({ address }) => !passed.has(address)) : candidates;
  }

  /** For an instance that is gone. */
  forget(address: Address): void {
    this.#failures.delete(address);
    this.#ejected.delete(address);
  }

  #isOut(address: Address): boolean {
    const at = this.#ejected.get(address);
    if (at === undefined) return false;
    // a clock that was set back keeps nobody out
    if (Math.abs(this.#now() - at) < EJECT_MS) return true;
    this.#ejected.delete(address);
    return false;
  }
}
