/** Promises of the SQLite file apart from those of every engine: crashes, several processes, full disks, the start. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { StartError } from '../../shared/config/start-error.ts';
import type { Opened } from '../../shared/kit/adapter.ts';
import { insert, remove, type Store } from '../../shared/ports/store.ts';
import { sqliteStore } from '../../shared/store/sqlite/adapter.ts';
import { codeOf, configFor, fakePorts, hits, message, notes, schema } from './store-harness.ts';

let folder: string;
let file: string;
let opened: Opened<Store>[];
const ports = fakePorts();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'store-sqlite-'));
  file = join(folder, 'data', 'platform.db');
  opened = [];
});
afterEach(async () => {
  for (const { close } of opened) await close?.();
  rmSync(folder, { recursive: true });
});

const open = async (options = ''): Promise<Store> => {
  const store = await sqliteStore(schema).open(ports, configFor(`sqlite:${file}${options}`));
  opened.push(store);
  return store.port;
};

/** Starts another process on the file; gives it, and the lines that it says until it ends. */
const child = (mode: string, options = '') => {
  const script = join(import.meta.dirname, 'store-child.ts');
  const started = spawn(process.execPath, [script, `sqlite:${file}${options}`, mode], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  let failed = '';
  started.stdout.on('data', (text) => {
    said += text;
  });
  started.stderr.on('data', (text) => {
    failed += text;
  });
  const ended = once(started, 'close').then(([code]) => {
    if (code !== 0 && code !== null) throw new Error(failed);
    // what a kill cut off was not said
    return said
      .slice(0, said.lastIndexOf('\n') + 1)
      .split('\n')
      .filter(Boolean);
  });
  return { started, ended };
};

describe('a SQLite file', () => {
  test.each(['full', 'normal'])(
    'loses nothing acknowledged when its process is killed (synchronous=%s)',
    async (mode) => {
      const acknowledged: string[] = [];
      for (const delay of [5, 20, 45, 80]) {
        const { started, ended } = child('write', `?synchronous=${mode}`);
        await once(started.stdout, 'data');
        await new Promise((done) => setTimeout(done, delay));
        started.kill('SIGKILL');
        acknowledged.push(...(await ended));
      }
      const store = await open();
      expect(acknowledged.length).toBeGreaterThan(4);
      const waiting = new Set((await store.messages.peek('q', 1_000_000)).map(({ id }) => id));
      for (let at = 0; at < acknowledged.length; at += 1000) {
        const ids = acknowledged.slice(at, at + 1000);
        expect([...(await store.getMany(notes, ids)).keys()].sort()).toEqual([...ids].sort());
      }
      const db = new DatabaseSync(file);
      const kept = db.prepare('SELECT id FROM r_notes').all() as { id: string }[];
      expect(new Set(kept.map(({ id }) => id))).toEqual(waiting);
      expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
      db.close();
    },
  );

  test('is shared by several processes: every increment counts, no message comes twice', async () => {
    const store = await open();
    const expires_at = ports.clock.now() + 1000;
    const counting = [child('count'), child('count')];
    for (let n = 0; n < 300; n += 1) await store.increment(hits, 'h', { expires_at });
    await Promise.all(counting.map(({ ended }) => ended));
    expect((await store.get(hits, 'h'))?.value.count).toBe(900);
    const sent = Array.from({ length: 300 }, (_, n) => message({ at: 0, ...(n % 2 && { order_key: `u${n % 20}` }) }));
    for (let at = 0; at < 300; at += 100) await store.transact([], { enqueue: sent.slice(at, at + 100) });
    const claimed = (await Promise.all([child('claim').ended, child('claim').ended])).flat();
    expect(claimed.sort()).toEqual(sent.map(({ id }) => id).sort());
  });

  test('answers unavailable when the disk is full, keeps what it has, and goes on when there is room', async () => {
    const store = await open('?max_page_count=60');
    const written: string[] = [];
    const write = async (n: number) => {
      const id = `n${n}`;
      await store.transact([insert(notes, id, { text: 'x'.repeat(2000) })], { enqueue: [message({ at: 0, id })] });
      written.push(id);
    };
    const codes = await Promise.all(Array.from({ length: 200 }, (_, n) => codeOf(write(n))));
    expect(codes).toContain('unavailable');
    expect(written.length).toBeGreaterThan(5);
    expect(
      (
        await store.getMany(
          notes,
          codes.map((_, n) => `n${n}`),
        )
      ).size,
    ).toBe(written.length);
    expect((await store.messages.depth('q')).count).toBe(written.length);
    for (const each of (await store.getMany(notes, written.splice(0, 5))).values()) {
      await store.transact([remove(notes, each)]);
    }
    await write(1000);
    const wider = await open();
    for (let n = 2000; n < 2050; n += 1) await wider.transact([insert(notes, `n${n}`, { text: 'x'.repeat(2000) })]);
    expect((await wider.getMany(notes, written)).size).toBe(written.length);
  });

  test('one transaction that fails takes none down that were asked for in the same moment', async () => {
    const store = await open();
    const ids = ['a', 'b', 'a', 'c', 'b', 'd'];
    const outcomes = await Promise.allSettled(ids.map((id) => store.transact([insert(notes, id, { text: '' })])));
    expect(outcomes.map(({ status }) => status === 'fulfilled')).toEqual([true, true, false, true, false, true]);
    expect((await store.getMany(notes, ids)).size).toBe(4);
  });

  test('what was asked for before the close is written before the close', async () => {
    const store = await open();
    const writing = store.transact([insert(notes, 'a', { text: '' })]);
    await store.close();
    await writing;
    expect(await (await open()).get(notes, 'a')).toBeDefined();
  });

  test('is for the owner only, and so is a folder made for it', async () => {
    const store = await open();
    await store.transact([insert(notes, 'a', { text: '' })]);
    const modes = ['', '/platform.db', '/platform.db-wal'].map(
      (path) => statSync(`${folder}/data${path}`).mode & 0o777,
    );
    expect(modes).toEqual([0o700, 0o600, 0o600]);
  });

  test('expired records are removed in time', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const store = await open();
      const expires_at = ports.clock.now() + 1000;
      await store.transact([insert(notes, 'a', { text: '' }, { expires_at }), insert(notes, 'b', { text: '' })]);
      ports.clock.pass(1000);
      await vi.advanceTimersByTimeAsync(60_000);
      const db = new DatabaseSync(file);
      expect(db.prepare('SELECT id FROM r_notes').all()).toEqual([{ id: 'b' }]);
      db.close();
    } finally {
      vi.useRealTimers();
    }
  });

  test('a start that can not go on says in one line what to correct', async () => {
    const refusal = async (spec: string) => {
      const error = await Promise.resolve(sqliteStore(schema).open(ports, configFor(`sqlite:${spec}`))).catch((e) => e);
      expect(error).toBeInstanceOf(StartError);
      expect(error.message).not.toContain('\n');
      return error.message as string;
    };
    mkdirSync(join(folder, 'taken'));
    writeFileSync(join(folder, 'text'), 'no database '.repeat(500));
    expect(await refusal(join(folder, 'taken'))).toMatch(/taken can't be written/);
    expect(await refusal(join(folder, 'text', 'below.db'))).toMatch(/below.db can't be written/);
    expect(await refusal(join(folder, 'text'))).toMatch(/not a database/);
    expect(await refusal(`${file}?synchronous=off`)).toMatch(/synchronous/);
    expect(await refusal(`${file}?colour=red`)).toMatch(/colour/);
    expect(existsSync(file)).toBe(false);
  });
});
