/** A private PgBouncer before a PostgreSQL, which lends its connections for a transaction only. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../support/free-port.ts';
import { debianProgram } from './debian-programs.ts';
import { guarded } from './guarded.ts';

const START_MS = 10_000;

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

/**
 * Starts one before the server of a URL, with `connections` to each database.
 *
 * @returns through whom a database of that server is reached
 */
export const startPgBouncer = async (server: string, connections = 20) => {
  const { path, env } = debianProgram('pgbouncer');
  const folder = mkdtempSync(join(tmpdir(), 'pgbouncer-'));
  chmodSync(folder, 0o755);
  const port = await freePort();
  writeFileSync(join(folder, 'users.txt'), '"postgres" ""\n');
  writeFileSync(
    join(folder, 'pgbouncer.ini'),
    [
      '[databases]',
      `* = host=127.0.0.1 port=${new URL(server).port} user=postgres`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = trust',
      `auth_file = ${join(folder, 'users.txt')}`,
      'pool_mode = transaction',
      `default_pool_size = ${connections}`,
      'max_client_conn = 500',
    ].join('\n'),
  );
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const running = await guarded(folder, env, [path, '-q', ...user, join(folder, 'pgbouncer.ini')]);
  for (const until = Date.now() + START_MS; !(await listens(port)); await sleep(20)) {
    if (!running.alive() || Date.now() > until) throw new Error('PgBouncer did not start');
  }
  return {
    through: (url: string): string => Object.assign(new URL(url), { port: `${port}` }).href,
    close: async () => {
      await running.end('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
