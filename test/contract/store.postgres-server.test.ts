/** Promises of PostgreSQL apart from those of every engine: crashes, few connections, the start. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { StartError } from '../../shared/config/start-error.ts';
import { insert, update } from '../../shared/ports/store.ts';
import { postgresStore } from '../../shared/store/postgres/adapter.ts';
import { Connections } from '../../shared/store/postgres/pool.ts';
import { sweeping } from '../../shared/store/postgres/sweep.ts';
import { sweepAll } from '../../shared/store/sweeper.ts';
import { type Postgres, startPostgres } from '../engines/postgres.ts';
import { startTcpProxy } from '../engines/tcp-proxy.ts';
import { configFor, fakePorts, hits, message, notes, schema } from './store-harness.ts';

let postgres: Postgres;
const ports = fakePorts();
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres?.close());

const open = (url: string) => Promise.resolve(postgresStore(schema).open(ports, configFor(url)));

describe('PostgreSQL', () => {
  test('a change whose answer got lost on the way is found, and told as done, once', async () => {
    const direct = new URL(await postgres.createDatabase());
    let losing = false;
    const proxy = await startTcpProxy(Number(direct.port), (from) => {
      if (!losing || from === 'client') return true;
      losing = false;
      setImmediate(() => proxy.breakAll());
      return false;
    });
    const { port: store, close } = await open(Object.assign(new URL(direct), { port: `${proxy.port}` }).href);
    const expires_at = ports.clock.now() + 1000;
    const lost = async <T>(call: () => Promise<T>): Promise<T> => {
      await Promise.all([store.get(notes, 'warm'), store.messages.owner()]);
      losing = true;
      const given = await call();
      expect(losing).toBe(false);
      return given;
    };
    await lost(() => store.transact([insert(notes, 'a', { text: '1' })]));
    const read = (await store.get(notes, 'a'))!;
    const waiting = message({ at: 0 });
    await lost(() => store.transact([update(notes, read, { text: '2' })], { enqueue: [waiting] }));
    expect((await store.get(notes, 'a'))?.value.text).toBe('2');
    expect(await lost(() => store.increment(hits, 'h', { expires_at }))).toBe(1);
    expect(await store.increment(hits, 'h', { expires_at })).toBe(2);
    const settle = await lost(() => store.messages.claim('q', { limit: 9, lease_ms: 60_000 }));
    expect(settle).toMatchObject([{ id: waiting.id, attempts: 1 }]);
    await lost(() => store.transact([], { settle }));
    const other = message({ at: 0 });
    await lost(() => store.transact([], { enqueue: [other] }));
    expect((await store.messages.peek('q', 9)).map(({ id }) => id)).toEqual([other.id]);
    await close?.();
    await proxy.close();
  });

  test('a change that never came to the server is answered as not done, and is not', async () => {
    const direct = new URL(await postgres.createDatabase());
    let losing = false;
    const proxy = await startTcpProxy(Number(direct.port), (from) => {
      if (!losing || from === 'server') return true;
      losing = false;
      setImmediate(() => proxy.breakAll());
      return false;
    });
    const { port: store, close } = await open(Object.assign(new URL(direct), { port: `${proxy.port}` }).href);
    await store.get(notes, 'warm');
    losing = true;
    const refused = store.transact([insert(notes, 'a', { text: '1' })], { enqueue: [message({ at: 0 })] });
    await expect(refused).rejects.toMatchObject({ code: 'unavailable', retryAfter: 1 });
    expect(losing).toBe(false);
    expect(await store.get(notes, 'a')).toBeUndefined();
    expect(await store.messages.peek('q', 9)).toEqual([]);
    await close?.();
    await proxy.close();
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

  test('who gets no connection in time is told to come again, and has changed nothing', async () => {
    const url = await postgres.createDatabase();
    const { port: store, close } = await open(`${url}?max=1&connect_timeout=1&application_name=auth-1`);
    await store.transact([insert(notes, 'a', { text: '1' })]);
    const admin = new pg.Client({ connectionString: url });
    await admin.connect();
    await admin.query('BEGIN; LOCK TABLE r_notes');
    const first = store.transact([insert(notes, 'b', { text: '1' })]);
    const second = store.transact([insert(notes, 'c', { text: '1' })]);
    await expect(second).rejects.toMatchObject({ code: 'unavailable', retryAfter: 1 });
    await admin.query('COMMIT');
    await first;
    expect(await store.get(notes, 'b')).toBeDefined();
    expect(await store.get(notes, 'c')).toBeUndefined();
    const { rows } =
      await admin.query(`SELECT application_name AS name FROM pg_stat_activity WHERE pid <> pg_backend_pid()
      AND datname = current_database()`);
    expect(rows).toEqual([{ name: 'auth-1' }]);
    await admin.end();
    await close?.();
  });

  test('the server ends what waits for a lock, or works, for longer than the settings say', async () => {
    const url = await postgres.createDatabase();
    const limits = 'lock_timeout=50&statement_timeout=60000&idle_in_transaction_session_timeout=7000';
    const { port: store, close } = await open(`${url}?${limits}`);
    await store.transact([insert(notes, 'a', { text: '1' })]);
    const admin = new pg.Client({ connectionString: url });
    await admin.connect();
    await admin.query('BEGIN; LOCK TABLE r_notes');
    const held = store.transact([insert(notes, 'b', { text: '1' })]);
    await expect(held).rejects.toMatchObject({ code: 'unavailable', cause: { code: '55P03' } });
    await close?.();
    const { port: hasty, close: end } = await open(`${url}?statement_timeout=50`);
    await expect(hasty.get(notes, 'a')).rejects.toMatchObject({ code: 'unavailable', cause: { code: '57014' } });
    await admin.end();
    await end?.();
  });

  test('records over their time are all removed, step by step, by one process at a time, and never in the way of a login', async () => {
    const url = await postgres.createDatabase();
    const { port: store, close } = await open(url);
    const admin = new pg.Client({ connectionString: url });
    await admin.connect();
    await admin.query(`INSERT INTO r_hits (id, version, v, data, expires_at)
      SELECT 'h' || n, 1, 1, '{"count":9}', n FROM generate_series(1, 12345) AS n`);
    await store.transact([insert(notes, 'kept', { text: '' })]);
    const { store: config } = configFor(url);
    if (config.engine !== 'postgres') throw new Error(config.engine);
    const sweepers = await Promise.all([1, 2].map(() => Connections.to(config, ports.log)));
    const steps = sweepers.map((each) => sweeping(each, ports.clock));
    const counted: Record<string, number> = {};
    const count = (name: string, { collection }: Record<string, string>, by = 1) => {
      counted[`${name} ${collection}`] = (counted[`${name} ${collection}`] ?? 0) + by;
    };

    // another one is at it
    await admin.query('BEGIN; SELECT pg_advisory_xact_lock(1882337651)');
    expect(await steps[0]!(hits)).toBe(0);
    await admin.query('COMMIT');
    // a login writes one that is over, and has not ended yet
    await admin.query("BEGIN; UPDATE r_hits SET version = 2 WHERE id = 'h7'");
    const logins: number[] = [];
    let sweepingOn = true;
    const login = async () => {
      for (let n = 1; sweepingOn; n += 1) {
        const started = performance.now();
        const id = `h${(n * 37) % 12345}`;
        const counts = await store.increment(hits, id === 'h7' ? 'h8' : id, { expires_at: Number.MAX_SAFE_INTEGER });
        logins.push(performance.now() - started);
        if (n < 12345) expect(counts).toBeLessThan(9);
      }
    };
    const work = login();
    await Promise.all(steps.map((step) => sweepAll(schema.collections, step, { count })));
    for (const step of steps) await sweepAll(schema.collections, step, { count });
    sweepingOn = false;
    await work;
    expect(Math.max(...logins)).toBeLessThan(500);
    await admin.query('COMMIT');
    await sweepAll(schema.collections, steps[0]!, { count });
    const left = await admin.query('SELECT count(*)::int AS count FROM r_hits WHERE expires_at <= $1', [
      ports.clock.now(),
    ]);
    expect(left.rows).toEqual([{ count: 0 }]);
    expect(counted['perfect21_store_swept_total hits']).toBeGreaterThan(12_345 / 2);
    expect(await store.get(notes, 'kept')).toBeDefined();
    await admin.end();
    await Promise.all(sweepers.map((each) => each.close()));
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
