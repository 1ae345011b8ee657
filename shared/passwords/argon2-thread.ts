/** One thread of hash-threads.ts: argon2id, one hash after the other. */
import { parentPort } from 'node:worker_threads';
import { hashRawSync } from '@node-rs/argon2';
import type { HashJob } from './hash-threads.ts';

/** `Algorithm.Argon2id`; the package exports it as a const enum, which leaves nothing to import. */
const ARGON2ID = 2;

parentPort!.on('message', ({ password, salt, parameters, length }: HashJob) => {
  const { memory, passes, parallelism } = parameters;
  try {
    const hash = hashRawSync(password, {
      algorithm: ARGON2ID,
      memoryCost: memory,
      timeCost: passes,
      parallelism,
      outputLen: length,
      salt,
    });
    // a copy of its own, not a view of the pool that Buffers share
    parentPort!.postMessage({ hash: new Uint8Array(hash) });
  } catch (error) {
    parentPort!.postMessage({ error: String(error) });
  }
});
