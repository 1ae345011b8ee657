/** What holds while the server is restarted under load, ended in order and crashed: a ledger of every call, and its end. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AppError } from '../../shared/kit/errors.ts';
import { insert, type Store, update, WriteConflict } from '../../shared/ports/store.ts';
import { postgresStore } from '../../shared/store/postgres/adapter.ts';
import { type Postgres, startPostgres } from '../engines/postgres.ts';
import { configFor, fakePorts, hits, message, notes, schema } from './store-harness.ts';

let postgres: Postgres;
const ports = fakePorts();
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres?.close());

const RESTARTS = ['fast', 'immediate', 'fast', 'immediate'] as const;
const RECOVERED_MS = 2_000;

/** Calls until it is ended; what comes of each call is noted by its maker. */
const ledger = () => {
  const errors: unknown[] = [];
  let done = 0;
  let going = true;
  return {
    errors,
    done: () => done,
    end: () => {
      going = false;
    },
    /** Whether it was acknowledged. */
    each: async (call: (n: number) => Promise<unknown>, note: (ok: boolean, n: number) => void = () => undefined) => {
      for (let n = 0; going; n += 1) {
        try {
          await call(n);
          done += 1;
          note(true, n);
        } catch (error) {
          errors.push(error);
          note(false, n);
          await new Promise(setImmediate);
        }
      }
    },
  };
};

test('restarts under load: what was acknowledged is there once, what was refused is not there at all, and all goes on within 2 s', async () => {
  const config = configFor(await postgres.createDatabase());
  const { port: store, close } = await Promise.resolve(postgresStore(schema).open(ports, config));
  const { errors, done, end, each } = ledger();
  const acknowledged = new Set<string>();
  const refused = new Set<string>();
  const writer = (name: string) =>
    each(
      (n) => {
        const id = `${name}-${n}`;
        return store.transact([insert(notes, id, { text: id })], { enqueue: [message({ at: 0, id })] });
      },
      (ok, n) => (ok ? acknowledged : refused).add(`${name}-${n}`),
    );
  const changed = new Map<string, number>();
  const changer = (id: string) => {
    changed.set(id, 0);
    return each(async () => {
      const read = (await store.get(notes, id))!;
      await store.transact([update(notes, read, { text: String(Number(read.value.text) + 1) })]);
      changed.set(id, changed.get(id)! + 1);
    });
  };
  const counted = new Map<string, number>();
  const counter = (id: string) =>
    each(async () => {
      const count = await store.increment(hits, id, { expires_at: ports.clock.now() + 1000 });
      counted.set(id, (counted.get(id) ?? 0) + 1);
      expect(count).toBe(counted.get(id));
    });
  const taken = new Set<string>();
  const consumer = (of: Store) =>
    each(async () => {
      for (const claimed of await of.messages.claim('q', { limit: 5, lease_ms: 60_000 })) {
        // done twice, it would be refused
        await of.transact([insert(notes, `done-${claimed.id}`, { text: '' })], { settle: [claimed] });
        taken.add(claimed.id);
      }
    });
  await store.transact(['x', 'y'].map((id) => insert(notes, id, { text: '0' })));
  const work = [writer('a'), writer('b'), changer('x'), changer('y'), counter('h'), counter('i'), consumer(store)];

  for (const mode of RESTARTS) {
    const before = done();
    await expect.poll(done, { interval: 2, timeout: 5_000 }).toBeGreaterThan(before + 100);
    await postgres.stop(mode);
    await postgres.start();
    const ready = performance.now();
    const then = done();
    await expect.poll(done, { interval: 2, timeout: 10_000 }).toBeGreaterThan(then + 10);
    expect(performance.now() - ready).toBeLessThan(RECOVERED_MS);
  }
  end();
  await Promise.all(work);

  expect(errors.length).toBeGreaterThan(0);
  for (const error of errors) {
    // a message that was freed because its process had lost its lock is another's
    if (error instanceof WriteConflict) continue;
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({ code: 'unavailable', retryAfter: 1 });
    expect((error as AppError).message).not.toMatch(/insert|select|127\.0/i);
  }
  const there = async (ids: Iterable<string>): Promise<string[]> => {
    const all = [...ids];
    const found: string[] = [];
    for (let at = 0; at < all.length; at += 1000)
      found.push(...(await store.getMany(notes, all.slice(at, at + 1000))).keys());
    return found;
  };
  expect((await there(acknowledged)).length).toBe(acknowledged.size);
  expect(await there(refused)).toEqual([]);
  for (const [id, count] of changed) expect((await store.get(notes, id))!.value.text).toBe(String(count));
  for (const [id, count] of counted) expect((await store.get(hits, id))!.value.count).toBe(count);

  // each message was handled or waits, and none both
  const waiting = (await store.messages.peek('q', 1_000_000)).map(({ id }) => id);
  const handled = await there([...acknowledged].map((id) => `done-${id}`));
  expect(new Set([...waiting, ...handled.map((id) => id.slice(5))])).toEqual(acknowledged);
  expect(waiting.length + handled.length).toBe(acknowledged.size);
  expect(handled.length).toBeGreaterThanOrEqual(taken.size);
  await close?.();
});
