import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../shared/config/config.ts';
import { startBridge } from '../../shared/process/bridge.ts';

const RABBIT = 'amqp://127.0.0.1';
const BEYOND = 'eventbridge://perfect21-events/perfect21-bridge';

describe('the start of the bridge', () => {
  test('knows the other side by a bus and a queue', () => {
    expect(loadConfig({ BRIDGE_URL: BEYOND }).bridge).toEqual({ bus: 'perfect21-events', queue: 'perfect21-bridge' });
    expect(loadConfig({}).bridge).toBeUndefined();
    for (const url of ['eventbridge://bus', 'eventbridge://bus/', 'eventbridge://bus/a.b', 'amqp://a/b']) {
      expect(() => loadConfig({ BRIDGE_URL: url })).toThrow(/BRIDGE_URL names no side to join/);
    }
  });

  test('needs two sides', async () => {
    const start = (env: Record<string, string>) => startBridge(loadConfig({ STORE_URL: 'sqlite::memory:', ...env }));
    await expect(start({ BRIDGE_URL: BEYOND })).rejects.toThrow(/BUS_URL names no RabbitMQ/);
    await expect(start({ BUS_URL: RABBIT })).rejects.toThrow(/BRIDGE_URL is missing/);
  });

  test('says in one line what is missing, and no password', () => {
    const program = join(import.meta.dirname, '../../infra/local/bridge.ts');
    const env = { PATH: process.env.PATH, BUS_URL: 'amqp://user:hidden@127.0.0.1', BRIDGE_URL: 'nowhere' };
    const { status, stderr } = spawnSync(process.execPath, [program], { env, encoding: 'utf8' });
    expect([status, stderr.trim().split('\n').length]).toEqual([1, 1]);
    expect(stderr).toMatch(/^the bridge can't start: BRIDGE_URL names no side to join/);
    expect(stderr).not.toContain('hidden');
  });
});
