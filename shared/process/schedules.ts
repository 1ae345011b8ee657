/** Work that returns at an interval, in every process: what it does has to be safe to do twice. */
import type { Log } from '../ports/log.ts';

export interface Schedule {
  name: string;
  every_ms: number;
  run(): Promise<unknown>;
}

/** Runs schedules, each never twice at a time. Their timers keep no process alive; a failure waits for the next turn. */
export const startSchedules = (schedules: readonly Schedule[], log: Log): { stop(): Promise<void> } => {
  const running = new Map<string, Promise<void>>();
  const timers = schedules.map(({ name, every_ms, run }) =>
    setInterval(() => {
      if (running.has(name)) return;
      const turn = run()
        .then(() => {})
        .catch((cause) => log.warn('schedule.failed', { schedule: name, cause }))
        .finally(() => running.delete(name));
      running.set(name, turn);
    }, every_ms).unref(),
  );
  return {
    stop: async () => {
      for (const timer of timers) clearInterval(timer);
      await Promise.all(running.values());
    },
  };
};
