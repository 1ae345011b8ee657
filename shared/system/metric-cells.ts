/**
 * Where metrics are counted between two scrapes: a number, or an array of them, for each set of labels.
 *
 * prom-client looks its series up by a text made of all labels at every call, twice for a request; here a set of
 * labels that its owner froze is found by identity, which costs a tenth.
 */
import type { Exemplar } from './open-metrics.ts';

export type Labels = Readonly<Record<string, string>>;

export interface Cell {
  readonly labels: Labels;
  /** Value of a counter or gauge; sum of a histogram. */
  value: number;
  /** Observations by bucket, the last one without bound. Empty for others. */
  readonly counts: number[];
  /** By bucket, one whose trace is recorded; replaced at most once a second. */
  exemplars?: (Exemplar | undefined)[];
}

/** Past this many sets of labels they stop telling anything and fill the memory: the rest is counted as `other`. */
const MAX_CELLS = 1_000;

/** A trace shows a bucket for so long: nobody asks more often, and each that is kept costs more than it is counted with. */
const EXEMPLAR_SECONDS = 1;

export class Cells {
  readonly #names: readonly string[];
  readonly #bounds: readonly number[];
  readonly #byKey = new Map<string, Cell>();
  readonly #byIdentity = new WeakMap<Labels, Cell>();

  /**
   * @param names the labels that tell series apart, in their order; others are dropped, missing ones empty
   * @param bounds upper bounds of a histogram's buckets, rising
   */
  constructor(names: readonly string[], bounds: readonly number[] = []) {
    this.#names = names;
    this.#bounds = bounds;
  }

  all(): Iterable<Cell> {
    return this.#byKey.values();
  }

  /** The cell of these labels. */
  at(labels: Labels): Cell {
    return this.#byIdentity.get(labels) ?? this.#find(labels);
  }

  /** Counts a value into its bucket. @param trace_id of a trace that shows it */
  observe(labels: Labels, value: number, trace_id?: string): void {
    const cell = this.at(labels);
    let bucket = 0;
    while (bucket < this.#bounds.length && value > this.#bounds[bucket]!) bucket += 1;
    cell.counts[bucket]! += 1;
    cell.value += value;
    if (trace_id === undefined) return;
    cell.exemplars ??= Array(this.#bounds.length + 1);
    const at = Date.now() / 1_000;
    const last = cell.exemplars[bucket]?.at ?? 0;
    // also after the clock was set back
    if (Math.abs(at - last) >= EXEMPLAR_SECONDS) cell.exemplars[bucket] = { trace_id, value, at };
  }

  #find(labels: Labels): Cell {
    let values = this.#names.map((name) => labels[name] ?? '');
    let key = values.join('\0');
    if (!this.#byKey.has(key) && this.#byKey.size >= MAX_CELLS) {
      values = this.#names.map(() => 'other');
      key = values.join('\0');
    }
    let cell = this.#byKey.get(key);
    if (!cell) {
      const told = Object.fromEntries(this.#names.map((name, at) => [name, values[at]!]));
      cell = { labels: told, value: 0, counts: this.#bounds.length ? Array(this.#bounds.length + 1).fill(0) : [] };
      this.#byKey.set(key, cell);
    }
    if (Object.isFrozen(labels)) this.#byIdentity.set(labels, cell);
    return cell;
  }
}
