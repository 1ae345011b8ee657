/** What survives a power cut: nothing is acknowledged before the journal is on the disk, and nobody waits in the event loop. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Database } from '../../shared/store/sqlite/database.ts';
import { GroupCommit } from '../../shared/store/sqlite/group-commit.ts';
import { Journal } from '../../shared/store/sqlite/journal.ts';
import { placeOf } from '../../shared/store/sqlite/place.ts';

const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'perfect21-journal-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
};

/** A journal whose disk answers when the test says so. */
const slowDisk = () => {
  const flushes: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const journal = { flush: () => new Promise<void>((resolve, reject) => flushes.push({ resolve, reject })) };
  const db = new Database(placeOf(':memory:'));
  onTestFinished(() => db.close());
  db.exec('CREATE TABLE t (n INTEGER)');
  const group = new GroupCommit(db, journal as unknown as Journal);
  const add = (n: number, durable?: boolean) => group.submit(() => db.run('INSERT INTO t VALUES (?)', n), durable);
  const count = () => db.get<{ count: number }>('SELECT count(*) AS count FROM t')!.count;
  return { flushes, add, count };
};
const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
const states = async (promises: readonly Promise<unknown>[]): Promise<string[]> => {
  const waiting = Symbol('waiting');
  return Promise.all(
    promises.map((promise) =>
      Promise.race([promise, Promise.resolve(waiting)]).then((value) => (value === waiting ? 'waiting' : 'done')),
    ),
  );
};

test('what is durable is acknowledged after the flush that follows its commit, what is not at once', async () => {
  const { flushes, add, count } = slowDisk();
  const work = [add(1), add(2, false), add(3)];
  await turn();
  expect(count()).toBe(3);
  expect(flushes).toHaveLength(1);
  expect(await states(work)).toEqual(['waiting', 'done', 'waiting']);
  const later = add(4);
  await turn();
  expect(flushes).toHaveLength(2);
  flushes[0]!.resolve();
  await Promise.all(work);
  expect(await states([later])).toEqual(['waiting']);
  flushes[1]!.resolve();
  await later;
});

test('a flush that fails is the answer to those who waited for it, and to nobody else', async () => {
  const { flushes, add } = slowDisk();
  const work = [add(1), add(2, false)];
  await turn();
  flushes[0]!.reject(new Error('EIO'));
  const outcomes = await Promise.allSettled(work);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
});

test('what asks while a flush is under way shares the next one, which begins after the last commit', async () => {
  const file = join(folder(), 'some.db');
  writeFileSync(`${file}-wal`, 'x');
  const journal = new Journal(file);
  const first = journal.flush();
  const [second, third] = [journal.flush(), journal.flush()];
  expect(second).not.toBe(first);
  expect(third).toBe(second);
  await Promise.all([first, second, third, journal.settled()]);
  await journal.close();
});

test('a journal that is not there is unavailable, and the next flush tries again', async () => {
  const file = join(folder(), 'some.db');
  const journal = new Journal(file);
  await expect(journal.flush()).rejects.toMatchObject({ code: 'unavailable' });
  writeFileSync(`${file}-wal`, 'x');
  await journal.flush();
  await journal.close();
  expect(existsSync(`${file}-wal`)).toBe(true);
});
