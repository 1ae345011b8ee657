/** A private PostgreSQL for a test run: own folder, own port, nothing installed. Ends with the process that started it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from '../support/free-port.ts';
import { makeCluster, type User } from './postgres-install.ts';

const START_MS = 30_000;
/** PostgreSQL refuses to run as root; nobody is on every system. */
const NOBODY: User = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};

/**
 * Waits for the server. When nobody holds its standard input any more, it ends the server and removes the folder ($0):
 * no orphan after a killed test run.
 */
const GUARD = `exec 3<&0; "$@" & pg=$!
(cat <&3 >/dev/null; touch ended; kill -QUIT $pg) & guard=$!
wait $pg 2>/dev/null; kill $guard 2>/dev/null; [ -e ended ] && rm -rf "$0"; exit 0`;

export interface Postgres {
  /** Of the maintenance database, for `createDatabaseAt`. */
  readonly url: string;
  /** Where its socket is. */
  readonly folder: string;
  /** A new, empty database. */
  createDatabase(): Promise<string>;
  /** Stops the server, keeping its data: `fast` ends sessions, `immediate` is a crash. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
  /** Stops it and removes its folder. */
  close(): Promise<void>;
}

/** Makes an empty database on a server that may have been started by another process (a global setup). */
export const createDatabaseAt = async (url: string): Promise<string> => {
  const name = `t_${randomBytes(8).toString('hex')}`;
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${name}`);
  } finally {
    await client.end();
  }
  return Object.assign(new URL(url), { pathname: `/${name}` }).href;
};

/**
 * Starts a private PostgreSQL.
 *
 * @param options.durable waits for the disk at each commit, as a real one does; off by default, for speed
 * @throws Error with one line that says what is missing
 */
export const startPostgres = async ({ durable = false } = {}): Promise<Postgres> => {
  const folder = mkdtempSync(join(tmpdir(), 'postgres-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  if (NOBODY.uid && NOBODY.gid) chownSync(folder, NOBODY.uid, NOBODY.gid);
  let cluster: ReturnType<typeof makeCluster>;
  try {
    cluster = makeCluster(folder, NOBODY);
  } catch (error) {
    remove();
    throw error;
  }
  const { bin, data, env } = cluster;
  const port = await freePort();
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: folder,
    max_connections: 200,
    fsync: durable ? 'on' : 'off',
    full_page_writes: durable ? 'on' : 'off',
    logging_collector: 'off',
    log_min_messages: 'fatal',
  };
  let guard: ChildProcess | undefined;
  const alive = () => guard !== undefined && guard.exitCode === null;

  const start = async () => {
    const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const command = [GUARD, folder, join(bin, 'postgres'), '-D', data, ...options];
    let said = '';
    guard = spawn('/bin/sh', ['-c', ...command], {
      ...{ env, cwd: folder, stdio: ['pipe', 'ignore', 'pipe'], ...NOBODY },
      // Ctrl-C of a terminal is for who started it, who ends it in turn
      detached: true,
    });
    guard.stderr!.on('data', (text) => {
      said = `${said}${text}`.slice(-500);
    });
    guard.unref();
    (guard.stdin as any).unref();
    (guard.stderr as any).unref();
    for (const until = Date.now() + START_MS; ; await sleep(25)) {
      const client = new pg.Client({ connectionString: url });
      client.on('error', () => undefined);
      const ready = await client.connect().then(
        () => true,
        () => false,
      );
      await client.end().catch(() => undefined);
      if (ready) return;
      if (!alive() || Date.now() > until)
        throw new Error(`PostgreSQL did not start: ${said.trim().split('\n').at(-1)}`);
    }
  };

  const stop = async (mode: 'fast' | 'immediate' = 'fast') => {
    if (!alive()) return;
    guard!.ref();
    const gone = once(guard!, 'exit');
    const pid = Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n', 1)[0]);
    process.kill(pid, mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
    await gone;
  };

  const atExit = () => guard?.stdin?.destroy();
  process.once('exit', atExit);
  await start();
  return {
    url,
    folder,
    createDatabase: () => createDatabaseAt(url),
    stop,
    start,
    close: async () => {
      await stop('immediate');
      process.off('exit', atExit);
      remove();
    },
  };
};
