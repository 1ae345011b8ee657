/** One thread of hash-threads.ts: argon2id, and what other systems hashed, one after the other. */
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { basename } from 'node:path';
import { parentPort } from 'node:worker_threads';
import { hashRawSync } from '@node-rs/argon2';
import type { ForeignJob, HashJob } from './hash-threads.ts';

/** How nice a thread that hashes is to the event loop beside it, which answers everybody else within milliseconds. */
const NICE = 10;
try {
  // Linux takes the id of a thread for that thread alone; where there is none, all share as the system likes
  setPriority(Number(basename(readlinkSync('/proc/thread-self'))), NICE);
} catch {}

/** `Algorithm.Argon2id`; the package exports it as a const enum, which leaves nothing to import. */
const ARGON2ID = 2;

const hashed = ({ password, salt, parameters, length }: HashJob): Uint8Array => {
  const { memory, passes, parallelism } = parameters;
  const hash = hashRawSync(password, {
    algorithm: ARGON2ID,
    memoryCost: memory,
    timeCost: passes,
    parallelism,
    outputLen: length,
    salt,
  });
  // a copy of its own, not a view of the pool that Buffers share
  return new Uint8Array(hash);
};

/** Answers come in the order of the jobs, also of those that wait for the module. */
let before: Promise<unknown> = Promise.resolve();

const verified = async ({ typed, foreign }: ForeignJob): Promise<boolean> =>
  (await import('./foreign-hash.heavy.ts')).verifyForeign(typed, foreign);

const answer = async (job: HashJob | ForeignJob): Promise<void> => {
  try {
    parentPort!.postMessage({ done: 'foreign' in job ? await verified(job) : hashed(job) });
  } catch (error) {
    parentPort!.postMessage({ error: String(error) });
  }
};

parentPort!.on('message', (job: HashJob | ForeignJob) => {
  before = before.then(() => answer(job));
});
