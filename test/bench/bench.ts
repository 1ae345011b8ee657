/** What a measurement is, and the arithmetic that all of them share. */

/** One line of the table. */
export interface Row {
  what: string;
  measured: string;
  /** What the machine did without us, in the same run; empty where there is nothing to compare with. */
  baseline: string;
  /** The ratio that was found and the bound it has to keep. */
  bound: string;
  ok: boolean;
}

export interface Bench {
  name: string;
  /** Measures; leaves no process and no file behind, also when it throws. */
  run(): Promise<Row[]>;
}

/** The middle value; the mean of both middle ones of an even number. */
export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((one, two) => one - two);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/**
 * Measures two things in turns, A B A B …: a machine that slows down slows both.
 *
 * @returns both medians, and the median of the ratios of neighbours, which says more than the ratio of medians
 */
export const alternate = async (
  rounds: number,
  ours: () => Promise<number>,
  bare: () => Promise<number>,
): Promise<{ ours: number; bare: number; ratio: number }> => {
  const pairs: { ours: number; bare: number }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    // who goes first changes, so that neither always meets the other's leftovers
    if (round % 2) pairs.push({ bare: await bare(), ours: await ours() });
    else pairs.push({ ours: await ours(), bare: await bare() });
  }
  return {
    ours: median(pairs.map((pair) => pair.ours)),
    bare: median(pairs.map((pair) => pair.bare)),
    ratio: median(pairs.map((pair) => pair.ours / pair.bare)),
  };
};

/** `12,345/s`. */
export const perSecond = (value: number): string => `${Math.round(value).toLocaleString('en')}/s`;

/** `3.2 ms`, `640 ms`. */
export const ms = (value: number): string => `${value < 100 ? value.toFixed(1) : Math.round(value)} ms`;

/** `73 %`. */
export const percent = (value: number): string => `${Math.round(value * 100)} %`;

/** A row that holds a ratio of two rates to its least value. */
export const ratioRow = (
  what: string,
  { ours, bare, ratio }: { ours: number; bare: number; ratio: number },
  least: number,
): Row => ({
  what,
  measured: perSecond(ours),
  baseline: perSecond(bare),
  bound: `${percent(ratio)} ≥ ${percent(least)}`,
  ok: ratio >= least,
});

/** A row that holds a time to its bound, both in milliseconds. */
export const timeRow = (what: string, measured: number, bound: number, baseline?: number): Row => ({
  what,
  measured: ms(measured),
  baseline: baseline === undefined ? '' : ms(baseline),
  bound: `< ${bound} ms`,
  ok: measured < bound,
});
