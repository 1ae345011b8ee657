/** A sidecar on several cores: processes that share its ports, each with revocations and keys of its own. */
import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

/** Between the end of a worker and its successor, ms: one that can't start does not start a thousand times. */
const PAUSE_MS = 1_000;
/** What workers get to finish, ms. */
const GRACE_MS = 12_000;

/**
 * Starts the workers and keeps them up. Worker n has its metrics on the metrics port plus n: what processes measure can't be
 * asked for at one address.
 *
 * @returns how to end them
 */
export const keepWorkers = async (count: number, metricsPort: number): Promise<() => Promise<void>> => {
  let stopping = false;
  const workers = new Map<number, Worker>();
  const run = (n: number): Worker => {
    const port = metricsPort === 0 ? 0 : metricsPort + n;
    const worker = cluster.fork({ PERFECT21_METRICS_PORT: String(port) });
    workers.set(n, worker);
    worker.once('exit', () => {
      workers.delete(n);
      if (!stopping) void sleep(PAUSE_MS).then(() => !stopping && run(n));
    });
    return worker;
  };
  const started = Array.from({ length: count }, (_, n) => run(n));
  const first = await Promise.race(
    started
      .map((worker) => once(worker, 'exit').then(([code]) => code as number))
      .concat(Promise.all(started.map((worker) => once(worker, 'message'))).then(() => -1)),
  );
  // what keeps one from starting keeps all
  if (first >= 0) process.exit(first || 1);
  return async () => {
    stopping = true;
    const ended = [...workers.values()].map((worker) => once(worker, 'exit'));
    for (const worker of workers.values()) worker.process.kill('SIGTERM');
    await Promise.race([Promise.all(ended), sleep(GRACE_MS)]);
    for (const worker of workers.values()) worker.process.kill('SIGKILL');
  };
};
