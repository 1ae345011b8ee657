/** The folder of which an image is made: it runs as nobody, writes nothing, and on several cores. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { assemble } from '../../infra/container/assemble.ts';
import { ROLES, startOf } from '../../infra/container/roles.ts';
import { userWithSession } from '../e2e/world.ts';
import { freePort } from '../support/free-port.ts';
import { grpcCaller, openPlatform, type Rig, sidecarEnvironment, VALIDATE } from './rig.ts';

const NOBODY = 65_532;

let rig: Rig;
const folder = mkdtempSync(join(tmpdir(), 'perfect21-image-'));
beforeAll(async () => {
  [rig] = await Promise.all([openPlatform(), assemble('sidecar', join(folder, 'app'))]);
  chmodSync(folder, 0o755);
}, 120_000);
afterAll(async () => {
  await rig?.close();
  rmSync(folder, { recursive: true, force: true });
});

const sizeOf = (path: string): number =>
  statSync(path).isDirectory()
    ? readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
    : statSync(path).size;

const start = async (more: Record<string, string> = {}) => {
  const [http, grpc, metrics] = [await freePort(), await freePort(), await freePort(2)];
  const child: ChildProcess = spawn(process.execPath, [...startOf(ROLES.sidecar).slice(0, -1), 'sidecar.mjs'], {
    cwd: join(folder, 'app'),
    env: {
      ...sidecarEnvironment(rig.platform, more),
      PERFECT21_HTTP_PORT: String(http),
      PERFECT21_GRPC_PORT: String(grpc),
      PERFECT21_METRICS_PORT: String(metrics),
      LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(process.getuid?.() === 0 && { uid: NOBODY, gid: NOBODY }),
  });
  let said = '';
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (text) => (said += text));
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  onTestFinished(() => void child.kill('SIGKILL'));
  await vi.waitFor(
    async () => {
      if (child.exitCode !== null) throw new Error(said);
      expect((await fetch(`http://127.0.0.1:${http}/readyz`)).status).toBe(200);
    },
    { timeout: 20_000, interval: 20 },
  );
  return { http, grpc, metrics, child, exited, said: () => said };
};

describe('the folder of the image', () => {
  test('is small, and holds nothing of a platform', () => {
    expect(sizeOf(join(folder, 'app'))).toBeLessThan(15 * 1024 * 1024);
    const names = readdirSync(join(folder, 'app'));
    expect(names).toEqual(expect.arrayContaining(['sidecar.mjs', 'proto', 'node_modules']));
    expect(readdirSync(join(folder, 'app/node_modules'))).not.toEqual(expect.arrayContaining(['pg', 'find-my-way']));
  });

  test('runs as nobody and writes nothing, verifies, and ends when it is told to', async () => {
    const before = sizeOf(folder);
    const { grpc, child, exited, said } = await start();
    const caller = grpcCaller(grpc);
    onTestFinished(caller.close);
    const { access_token, user_id } = await userWithSession(rig.world);
    expect(await caller.call(VALIDATE, { token: access_token })).toMatchObject({ valid: true, user_id });
    child.kill('SIGTERM');
    expect(await exited).toBe(0);
    expect(sizeOf(folder)).toBe(before);
    expect(said()).not.toContain('"level":"error"');
  });

  test('answers with several processes on its ports, and each hears of a revocation', async () => {
    const { http, metrics, child, exited } = await start({ PERFECT21_SIDECAR_WORKERS: '2' });
    const { access_token, session_id } = await userWithSession(rig.world);
    const statuses = async (): Promise<number[]> =>
      Promise.all(
        Array.from({ length: 12 }, async () => {
          const headers = { authorization: `Bearer ${access_token}`, connection: 'close' };
          return (await fetch(`http://127.0.0.1:${http}/verify`, { headers })).status;
        }),
      );
    // ready is the first of them, and the second may still be on its way
    await vi.waitFor(
      async () => {
        for (const port of [metrics, metrics + 1])
          expect((await fetch(`http://127.0.0.1:${port}/metrics`)).status).toBe(200);
      },
      { timeout: 10_000 },
    );
    expect(new Set(await statuses())).toEqual(new Set([200]));
    const { revocations } = rig.platform.host.ports;
    revocations.learn({ kind: 'sid', value: session_id, error: 'session_ended', created_at: Date.now() });
    await vi.waitFor(async () => expect(new Set(await statuses())).toEqual(new Set([401])), { timeout: 5_000 });
    child.kill('SIGTERM');
    expect(await exited).toBe(0);
  });
});
