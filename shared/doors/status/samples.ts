/** What became of the links lately: the differences between two looks at the counters, for the last ten minutes. */
import { type Link, type Matcher, matching } from '../../metrics/links.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Cell } from '../../system/metric-cells.ts';
import { boundsOf, cellsOf } from '../../system/metrics.ts';

export const SAMPLE_MS = 5_000;
const KEPT = 120;

/** Of one span of `SAMPLE_MS`. */
export interface Sample {
  count: number;
  failed: number;
  /** Observations of the latency, by bucket. */
  counts: readonly number[];
}

interface Totals {
  count: number;
  failed: number;
  counts: number[];
}

const QUANTILE = 0.99;

/**
 * The p99 of observations by bucket as `histogram_quantile` has it: within a bucket they are taken to lie evenly. Undefined
 * of none; those past the last bound count as that bound.
 *
 * @example p99([0, 10, 0], [0.1, 0.2]) // 0.199
 */
export const p99 = (counts: readonly number[], bounds: readonly number[]): number | undefined => {
  const all = counts.reduce((sum, each) => sum + each, 0);
  if (all === 0) return undefined;
  let rank = QUANTILE * all;
  for (const [at, own] of counts.entries()) {
    const upper = bounds[at];
    if (upper === undefined) return bounds.at(-1);
    const lower = bounds[at - 1] ?? 0;
    if (rank <= own) return lower + (upper - lower) * (own === 0 ? 0 : rank / own);
    rank -= own;
  }
  return undefined;
};

/** Adds up what a selector finds; what a set of labels belongs to is worked out once. */
const selecting = (matchers: readonly Matcher[]): ((cells: Iterable<Cell>) => Cell[]) => {
  const matches = matching(matchers);
  const known = new WeakMap<Cell, boolean>();
  return (cells) =>
    [...cells].filter((cell) => {
      const found = known.get(cell) ?? matches(cell.labels);
      known.set(cell, found);
      return found;
    });
};

const COUNT = /_count$/;

/** The samples of one link, oldest first. */
export class LinkSamples {
  readonly link: Link;
  readonly bounds: readonly number[];
  readonly #read: () => Totals;
  #last: Totals;
  #samples: Sample[] = [];

  constructor(link: Link, metrics: Metrics) {
    this.link = link;
    const { counter, latency } = link;
    const ofHistogram = COUNT.test(counter);
    const [all, failed] = [selecting(link.all), selecting(link.failed)];
    const timed = selecting(latency?.selector ?? []);
    this.bounds = latency ? boundsOf(latency.histogram) : [];
    const sum = (cells: readonly Cell[]): number =>
      cells.reduce(
        (total, { value, counts }) => total + (ofHistogram ? counts.reduce((n, own) => n + own, 0) : value),
        0,
      );
    this.#read = () => {
      const cells = [...cellsOf(metrics, counter.replace(COUNT, ''))];
      const counts: number[] = Array(this.bounds.length + 1).fill(0);
      for (const cell of latency ? timed(cellsOf(metrics, latency.histogram)) : [])
        cell.counts.forEach((own, at) => {
          counts[at]! += own;
        });
      return { count: sum(all(cells)), failed: sum(failed(cells)), counts };
    };
    this.#last = this.#read();
  }

  /** Takes what came since the last one. */
  take(): void {
    const now = this.#read();
    const { count, failed, counts } = this.#last;
    this.#samples.push({
      count: now.count - count,
      failed: now.failed - failed,
      counts: now.counts.map((own, at) => own - counts[at]!),
    });
    if (this.#samples.length > KEPT) this.#samples.shift();
    this.#last = now;
  }

  all(): readonly Sample[] {
    return this.#samples;
  }
}
