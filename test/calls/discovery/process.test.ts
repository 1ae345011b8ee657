import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../support/free-port.ts';
import { startProcess } from '../../support/process.ts';
import { startConsul } from './fakes.ts';

test('a process starts without its registry; what needs others is unavailable, and works when they are registered', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'perfect21-discovery-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const [registry, auth, rest] = [await freePort(), await freePort(), await freePort()];
  const start = (services: string, grpc: number) => {
    const env = { DISCOVERY_URL: `consul://127.0.0.1:${registry}`, DISCOVERY_POLICY: 'least_connections' };
    const started = startProcess(dataDir, {
      ...env,
      PERFECT21_SERVICES: services,
      PERFECT21_GRPC_PORT: String(grpc),
      LOG_LEVEL: 'warn',
    });
    onTestFinished(async () => void (await started.end()));
    return started;
  };
  const first = start('auth', auth);
  await first.ready;
  const { admin } = JSON.parse(readFileSync(join(dataDir, 'dev-credentials.json'), 'utf8'));
  const login = async () => {
    const response = await fetch(`${first.address('REST')}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ identifier: admin.email, password: admin.password }),
    });
    return response.status;
  };
  expect(await login()).toBe(503);
  await expect.poll(() => first.out.text + first.out.errors).toContain('discovery.away');

  await start('users,permissions,sessions,notifications', rest).ready;
  const agent = await startConsul({ port: registry });
  onTestFinished(agent.close);
  for (const name of ['user', 'permission', 'session', 'notification'])
    agent.services.set(`${name}-service`, [{ node: '127.0.0.1', port: rest }]);
  agent.services.set('auth-service', [{ node: '127.0.0.1', port: auth }]);
  await expect.poll(login, { timeout: 40_000, interval: 250 }).toBe(200);
}, 60_000);
