/** How load is put on a wire: as fast as it answers (closed), or at a rate that does not wait for answers (open). */

/** Something that requests travel on. `done` is called once for each, with whether the answer was right. */
export interface Wire {
  send(n: number, done: (ok: boolean) => void): void;
  close(): void;
}

/** Times are milliseconds. */
export interface Outcome {
  per_second: number;
  failed: number;
  p50: number;
  p99: number;
  max: number;
}

const outcome = (latencies: Float64Array, failed: number, seconds: number): Outcome => {
  const sorted = latencies.sort();
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { per_second: sorted.length / seconds, failed, p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? 0 };
};

/**
 * Keeps so many requests in flight for so long.
 *
 * @param awake never sleeps between answers: waking a process on another core costs a server as much as half an answer
 */
export const closed = (wire: Wire, inFlight: number, seconds: number, awake: boolean): Promise<Outcome> =>
  new Promise((resolve) => {
    let latencies = new Float64Array(65_536);
    const start = performance.now();
    const end = start + seconds * 1_000;
    let [sent, answered, failed, open] = [0, 0, 0, 0];
    const next = (): void => {
      const at = performance.now();
      if (at >= end) {
        if (open === 0) resolve(outcome(latencies.subarray(0, answered), failed, (at - start) / 1_000));
        return;
      }
      open += 1;
      wire.send(sent++, (ok) => {
        if (answered === latencies.length) {
          const longer = new Float64Array(latencies.length * 2);
          longer.set(latencies);
          latencies = longer;
        }
        latencies[answered++] = performance.now() - at;
        if (!ok) failed += 1;
        open -= 1;
        next();
      });
    };
    const spin = (): void => void (performance.now() < end && setImmediate(spin));
    if (awake) spin();
    for (let n = 0; n < inFlight; n += 1) next();
  });

/**
 * Sends at a fixed rate. Each latency counts from the time at which its request was due, so that a server that stands
 * still is charged for all that waited meanwhile ("coordinated omission").
 */
export const open = (wire: Wire, perSecond: number, seconds: number): Promise<Outcome> =>
  new Promise((resolve) => {
    const total = Math.round(perSecond * seconds);
    const latencies = new Float64Array(total);
    const start = performance.now();
    let [sent, answered, failed] = [0, 0, 0];
    const send = (n: number): void => {
      const due = start + (n / perSecond) * 1_000;
      wire.send(n, (ok) => {
        latencies[n] = performance.now() - due;
        if (!ok) failed += 1;
        answered += 1;
        if (answered === total) resolve(outcome(latencies, failed, (performance.now() - start) / 1_000));
      });
    };
    // turns without a pause, because timers are too coarse; this process has a core for itself
    const turn = (): void => {
      const due = Math.min(total, Math.floor(((performance.now() - start) / 1_000) * perSecond) + 1);
      while (sent < due) send(sent++);
      if (sent < total) setImmediate(turn);
    };
    turn();
  });
