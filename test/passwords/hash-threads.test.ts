/** Threads that hash: as many as asked for, each with its jobs in turn, and nobody left waiting when one ends. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { hashThreads } from '../../shared/passwords/hash-threads.ts';

const parameters = { memory: 64, passes: 1, parallelism: 1 };
const job = (n: number, memory = parameters.memory) => ({
  password: Buffer.from(`password ${n}`),
  salt: Buffer.alloc(16, 1),
  parameters: { ...parameters, memory },
  length: 32,
});
const open = (most: number) => {
  const threads = hashThreads(most);
  onTestFinished(() => threads.close());
  return threads;
};
const workers = (): number =>
  readdirSync('/proc/self/task').filter((task) => {
    try {
      return readFileSync(`/proc/self/task/${task}/comm`, 'utf8').startsWith('WorkerThread');
    } catch {
      return false;
    }
  }).length;

test('every job gets its own hash, however many are handed over at once', async () => {
  const { hash } = open(2);
  const jobs = Array.from({ length: 40 }, (_, n) => hash(job(n)));
  const hashes = (await Promise.all(jobs)).map((bytes) => Buffer.from(bytes).toString('hex'));
  expect(new Set(hashes).size).toBe(40);
  expect(Buffer.from(await hash(job(7))).toString('hex')).toBe(hashes[7]);
});

test('threads are started when they are needed, and never more than allowed', async () => {
  const before = workers();
  const { hash } = open(2);
  expect(workers()).toBe(before);
  await hash(job(1));
  expect(workers()).toBe(before + 1);
  await Promise.all(Array.from({ length: 12 }, (_, n) => hash(job(n, 8_192))));
  expect(workers()).toBe(before + 2);
});

test('a job that can not be done is an error of its own, and the thread goes on', async () => {
  const { hash } = open(1);
  const bad = hash({ ...job(1), salt: Buffer.alloc(1) });
  const good = hash(job(2));
  await expect(bad).rejects.toThrow();
  expect(await good).toHaveLength(32);
});

test('who waits when the threads end is told so, and so is who comes later', async () => {
  const threads = open(1);
  const waiting = [hash(1), hash(2)];
  function hash(n: number) {
    return threads.hash(job(n, 65_536)).then(
      () => 'done',
      (error) => error.code,
    );
  }
  await threads.close();
  expect(await Promise.all(waiting)).toEqual(['unavailable', 'unavailable']);
  expect(await hash(3)).toBe('unavailable');
});
