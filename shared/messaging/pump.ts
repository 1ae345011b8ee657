/** A loop that takes work while there is some, and sleeps until it is woken or a timer says to look again. */

export interface Pump {
  /** Says that there is work now. */
  wake(): void;
  /** Resolves after a look at the work that began after this call and found nothing. */
  round(): Promise<void>;
  /** No further look is begun; resolves when the current one has ended. */
  stop(): Promise<void>;
}

export interface PumpOptions {
  /** Takes some work and says how much; 0 lets the pump sleep. */
  take(): Promise<number>;
  /** A take that failed; the pump sleeps and tries again. */
  onError(error: unknown): void;
  /** Milliseconds between two looks when idle: the first, and what it grows to. */
  idle?: { from: number; to: number };
}

/** Starts a pump. Its timer keeps no process alive. */
export const startPump = ({ take, onError, idle = { from: 1_000, to: 4_000 } }: PumpOptions): Pump => {
  let stopped = false;
  let woken = false;
  let resume: (() => void) | undefined;
  let waiting: (() => void)[] = [];

  const sleep = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => resume?.(), ms);
      timer.unref();
      resume = () => {
        clearTimeout(timer);
        resume = undefined;
        resolve();
      };
    });

  const wake = (): void => {
    woken = true;
    resume?.();
  };

  const run = async (): Promise<void> => {
    let pause = idle.from;
    while (!stopped) {
      woken = false;
      const asked = waiting;
      waiting = [];
      let taken = 0;
      try {
        taken = await take();
      } catch (error) {
        onError(error);
      }
      if (taken > 0) {
        waiting.push(...asked);
        pause = idle.from;
        // an engine that answers without a real wait would otherwise keep the process from everything else
        await new Promise(setImmediate);
        continue;
      }
      for (const answer of asked) answer();
      if (woken || stopped) continue;
      await sleep(pause);
      pause = woken ? idle.from : Math.min(pause * 2, idle.to);
    }
    for (const answer of waiting) answer();
  };
  const running = run();

  return {
    wake,
    round: () =>
      stopped
        ? Promise.resolve()
        : new Promise((resolve) => {
            waiting.push(resolve);
            wake();
          }),
    stop: () => {
      stopped = true;
      wake();
      return running;
    },
  };
};
