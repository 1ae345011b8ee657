/**
 * Threads that hash and do nothing else, as many as there are processors at most.
 *
 * Node's own pool has threads of its own number, which hand the hashes around among themselves and make the disk wait
 * behind them: on two processors that costs a tenth of the hashes. A thread here holds one hash in work and one to go on
 * with, so that it never waits for a busy event loop.
 */
import { Worker } from 'node:worker_threads';
import { AppError } from '../kit/errors.ts';
import type { Argon2Parameters } from './parameters.ts';

export interface HashJob {
  password: Uint8Array;
  salt: Uint8Array;
  parameters: Argon2Parameters;
  length: number;
}
/** A password against a hash of another system. */
export interface ForeignJob {
  typed: string;
  foreign: string;
}
type Answer = { done: Uint8Array | boolean; error?: undefined } | { done?: undefined; error: string };
type Waiting = { resolve(done: any): void; reject(error: unknown): void };

interface Thread {
  worker: Worker;
  /** In the order in which they were handed over, which is the order of the answers. */
  waiting: Waiting[];
}

export interface HashThreads {
  /** Rejects with `unavailable` when the thread ended under it. */
  hash(job: HashJob): Promise<Uint8Array>;
  /** The same. */
  verify(job: ForeignJob): Promise<boolean>;
  close(): Promise<void>;
}

/** @param most threads at a time; they are started when they are first needed */
export const hashThreads = (most: number): HashThreads => {
  const threads: Thread[] = [];
  let closed = false;

  const start = (): Thread => {
    const thread: Thread = { worker: new Worker(new URL('./argon2-thread.ts', import.meta.url)), waiting: [] };
    let cause: unknown;
    thread.worker
      .on('message', ({ done, error }: Answer) => {
        const job = thread.waiting.shift();
        // what waits keeps the process alive; what is idle does not
        if (!thread.waiting.length) thread.worker.unref();
        if (error === undefined) job?.resolve(done);
        else job?.reject(new Error(error));
      })
      .on('error', (error) => {
        cause = error;
      })
      .on('exit', () => {
        threads.splice(threads.indexOf(thread), 1);
        for (const { reject } of thread.waiting.splice(0)) reject(new AppError('unavailable', { cause }));
      });
    thread.worker.unref();
    threads.push(thread);
    return thread;
  };

  /** The one with the least to do; a new one as long as all have something to do and there may be more. */
  const choose = (): Thread => {
    let best: Thread | undefined;
    for (const thread of threads) if (!best || thread.waiting.length < best.waiting.length) best = thread;
    return best && (!best.waiting.length || threads.length >= most) ? best : start();
  };

  const work = (job: HashJob | ForeignJob): Promise<any> =>
    new Promise((resolve, reject) => {
      if (closed) return reject(new AppError('unavailable'));
      const { worker, waiting } = choose();
      if (waiting.push({ resolve, reject }) === 1) worker.ref();
      worker.postMessage(job);
    });

  return {
    hash: work,
    verify: work,
    close: async () => {
      closed = true;
      await Promise.all(threads.map(({ worker }) => worker.terminate()));
    },
  };
};
