/** Passwords by `@node-rs/argon2`: native, 2.5 times as fast as Node's own, on threads of its own. */
import { availableParallelism } from 'node:os';
import { adapter } from '../kit/adapter.ts';
import { createPasswords } from './argon2.ts';
import { hashThreads } from './hash-threads.ts';

export const nativePasswords = adapter({
  port: 'passwords',
  needs: ['metrics'],
  open: ({ metrics }) => {
    const labels = Object.freeze({});
    metrics.gauge('perfect21_hashing_waiting', labels, 0);
    const cores = availableParallelism();
    const threads = hashThreads(cores);
    const port = createPasswords(
      (password, salt, parameters, length) => threads.hash({ password, salt, parameters, length }),
      // one in work and one to go on with for each thread
      2 * cores,
      (typed, foreign) => threads.verify({ typed, foreign }),
      (count) => metrics.gauge('perfect21_hashing_waiting', labels, count),
    );
    return { port, close: threads.close };
  },
});
