/** Promises of PostgreSQL apart from those of every engine: crashes, few connections, the start. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { StartError } from '../../shared/config/start-error.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { insert } from '../../shared/ports/store.ts';
import { postgresStore } from '../../shared/store/postgres/adapter.ts';
import { type Postgres, startPostgres } from '../engines/postgres.ts';
import { configFor, fakePorts, hits, message, notes, schema } from './store-harness.ts';

let postgres: Postgres;
const ports = fakePorts();
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres?.close());

const open = (url: string) => Promise.resolve(postgresStore(schema).open(ports, configFor(url)));

describe('PostgreSQL', () => {
  test('loses nothing acknowledged when the server crashes, and the store goes on by itself', async () => {
    const { port: store, close } = await open(await postgres.createDatabase());
    const acknowledged: string[] = [];
    const failures: unknown[] = [];
    let writing = true;
    const writer = async (name: string) => {
      for (let n = 0; writing; n += 1) {
        const id = `${name}-${n}`;
        const work = store.transact([insert(notes, id, { text: id })], { enqueue: [message({ at: 0, id })] });
        await work.then(
          () => acknowledged.push(id),
          (error) => failures.push(error),
        );
        if (failures.length) await new Promise(setImmediate);
      }
    };
    const writers = ['a', 'b', 'c'].map(writer);
    for (let crash = 0; crash < 2; crash += 1) {
      const before = acknowledged.length;
      await expect.poll(() => acknowledged.length, { interval: 5 }).toBeGreaterThan(before + 20);
      await postgres.stop('immediate');
      await postgres.start();
    }
    const before = acknowledged.length;
    await expect.poll(() => acknowledged.length, { interval: 5 }).toBeGreaterThan(before);
    writing = false;
    await Promise.all(writers);
    expect(failures.length).toBeGreaterThan(0);
    for (const error of failures) {
      expect(error).toBeInstanceOf(AppError);
      expect((error as AppError).code).toBe('unavailable');
      expect((error as AppError).message).not.toMatch(/insert|select|127\.0/i);
    }
    for (let at = 0; at < acknowledged.length; at += 1000) {
      const ids = acknowledged.slice(at, at + 1000);
      expect((await store.getMany(notes, ids)).size).toBe(ids.length);
    }
    const waiting = await store.messages.peek('q', 1_000_000);
    const kept = new Set(waiting.map(({ id }) => id));
    expect(acknowledged.filter((id) => !kept.has(id))).toEqual([]);
    await close?.();
  });

  test('connections to a server that became read-only are left at once, and readiness tells while there is no other', async () => {
    const url = await postgres.createDatabase();
    await (await open(url)).close?.();
    const admin = new pg.Client({ connectionString: url });
    await admin.connect();
    const name = new URL(url).pathname.slice(1);
    // a session keeps what its server was when it began
    await admin.query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    const { port: store, close } = await open(url);
    await Promise.all(Array.from({ length: 200 }, () => store.get(notes, 'warm')));
    await expect(store.ping()).rejects.toMatchObject({ code: 'unavailable' });
    await Promise.all(Array.from({ length: 200 }, () => store.get(notes, 'warm')));

    await admin.query(`ALTER DATABASE ${name} RESET default_transaction_read_only`);
    const expires_at = ports.clock.now() + 1000;
    const logins = Array.from({ length: 60 }, (_, n) => () => store.increment(hits, `h${n}`, { expires_at }));
    for (const login of logins) expect(await login()).toBe(1);
    await store.ping();
    await admin.end();
    await close?.();
  });

  test('a living process whose connections all break keeps what it holds, and is not done twice', async () => {
    const url = await postgres.createDatabase();
    const [holder, other] = [await open(url), await open(url)];
    await holder.port.transact([], { enqueue: [message({ at: 0 })] });
    const settle = await holder.port.messages.claim('q', { limit: 1, lease_ms: 60_000 });
    const name = await holder.port.messages.owner();
    const operator = new pg.Client(url);
    await operator.connect();
    for (let n = 0; n < 3; n += 1) {
      await operator.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = $1', [
        'idle in transaction',
      ]);
      expect(await other.port.messages.isGone(name)).toBe(false);
      expect(await other.port.messages.claim('q', { limit: 1, lease_ms: 60_000 })).toEqual([]);
    }
    await operator.end();
    await holder.port.transact([], { settle });
    await holder.close?.();
    await other.close?.();
  });

  test('is reached by its socket, too', async () => {
    const { pathname, port } = new URL(await postgres.createDatabase());
    const url = `postgres://postgres:secret@${pathname}?host=${postgres.folder}&port=${port}`;
    const { port: store, close } = await open(url);
    await store.transact([insert(notes, 'a', { text: 'by socket' })]);
    expect((await store.get(notes, 'a'))?.value.text).toBe('by socket');
    await close?.();
    const nowhere = await open(`postgres://postgres:hushhush@/x?host=/nowhere`).catch((thrown) => thrown);
    expect(nowhere).toBeInstanceOf(StartError);
    expect(nowhere.message).toMatch(/^PostgreSQL at \/nowhere can't be used [^\n]*$/);
    expect(nowhere.message).not.toContain('hushhush');
  });

  test('more callers than connections wait for their turn', async () => {
    const { port: store, close } = await open(`${await postgres.createDatabase()}?max=2`);
    const expires_at = ports.clock.now() + 1000;
    await Promise.all(Array.from({ length: 200 }, () => store.increment(hits, 'h', { expires_at })));
    expect((await store.get(hits, 'h'))?.value.count).toBe(200);
    await close?.();
  });

  test('a start that can not go on says in one line what to correct, and no password', async () => {
    const server = new URL(postgres.url);
    const nobody = Object.assign(new URL(postgres.url), { port: '1', password: 'hushhush' }).href;
    const nothing = Object.assign(new URL(postgres.url), { pathname: '/nothing', password: 'hushhush' }).href;
    for (const [url, said] of [
      [nobody, /127\.0\.0\.1:1 can't be used .*ECONNREFUSED/],
      [nothing, new RegExp(`127.0.0.1:${server.port} can't be used .*nothing`)],
    ] as const) {
      const error = await open(url).catch((thrown) => thrown);
      expect(error).toBeInstanceOf(StartError);
      expect(error.message).toMatch(said);
      expect(error.message).not.toMatch(/\n|hushhush/);
    }
  });
});
