import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { testEnvironment } from '../support/platform.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

describe('a signal to npm alone, as a supervisor sends it', () => {
  let folder: string;
  let npm: ChildProcess | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'perfect21-signals-'));
  });
  afterEach(() => {
    // all that it started, should it have left something behind
    if (npm?.pid) {
      try {
        process.kill(-npm.pid, 'SIGKILL');
      } catch {
        // nobody is left
      }
    }
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs a script until it says that Ctrl-C stops it. */
  const run = async (script: string, env: Record<string, string>) => {
    npm = spawn('npm', ['run', '--silent', script], {
      cwd: ROOT,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        HOME: folder,
        npm_config_update_notifier: 'false',
        ...testEnvironment(folder),
        ...env,
      },
    });
    let said = '';
    await new Promise<void>((resolve, reject) => {
      for (const stream of [npm!.stdout!, npm!.stderr!])
        stream.on('data', (chunk) => {
          said += chunk;
          if (said.includes('Ctrl-C')) resolve();
        });
      npm!.once('exit', () => reject(new Error(said)));
    });
    return { said: () => said };
  };
  const listens = async (port: number): Promise<boolean> => {
    const socket = connect(port, '127.0.0.1');
    const open = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    return open;
  };
  const ends = async (signal: NodeJS.Signals): Promise<number | null> => {
    const gone = once(npm!, 'exit');
    npm!.kill(signal);
    return (await gone)[0];
  };

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`${signal} drains npm start and ends it with 0`, async () => {
      const port = await freePort();
      const { said } = await run('start', { PERFECT21_HTTP_PORT: String(port) });
      expect(await listens(port)).toBe(true);
      expect(await ends(signal)).toBe(0);
      expect(said()).toMatch(/stopping: finishing what is in flight\nstopped\n$/);
      expect(await listens(port)).toBe(false);
    }, 30_000);
  }

  test('and npm run bridge', async () => {
    const port = await freePort();
    await run('bridge', {
      PERFECT21_METRICS_PORT: String(port),
      BUS_URL: 'amqp://127.0.0.1:1',
      BRIDGE_URL: 'eventbridge://events/beyond',
      AWS_REGION: 'eu-central-1',
      LOG_LEVEL: 'silent',
    });
    expect(await listens(port)).toBe(true);
    expect(await ends('SIGTERM')).toBe(0);
    expect(await listens(port)).toBe(false);
  }, 30_000);

  test('and npm run offline', async () => {
    const port = await freePort();
    await run('offline', { PERFECT21_HTTP_PORT: String(port) });
    expect(await listens(port)).toBe(true);
    expect(await ends('SIGTERM')).toBe(0);
    expect(await listens(port)).toBe(false);
  }, 120_000);
});
