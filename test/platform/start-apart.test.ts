import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { platform } from '../../functions/index.ts';
import { ROOT } from '../../infra/generate/files.ts';
import { serviceAt, startFront } from '../../infra/local/apart/front.ts';
import { freePort } from '../support/free-port.ts';

test('npm run start:apart takes a kind of discovery or nothing, and says so', () => {
  const run = (...words: string[]) =>
    spawnSync(process.execPath, ['infra/local/apart.ts', ...words], { cwd: ROOT, encoding: 'utf8' });
  const wrong = run('eureka');
  expect([wrong.status, wrong.stderr]).toEqual([
    2,
    'npm run start:apart takes one of static, dns, consul, or nothing\n',
  ]);
  const help = run('--help');
  expect([help.status, help.stdout]).toEqual([0, expect.stringContaining('static|dns|consul')]);
});

test('the one address of all leads each path of the table to the service that answers it', () => {
  for (const { name, operations } of platform)
    for (const { method, path } of operations.flatMap(({ http }) => http))
      expect([method, path, serviceAt(method, path.replace(/\{[^}]+\}/g, 'x1'))]).toEqual([method, path, name]);
  expect(serviceAt('GET', '/docs')).toBe('auth');
});

test('it passes on who called, and says 503 for a service that is away', async () => {
  const seen: (string | undefined)[] = [];
  const service = createServer((request, response) => {
    seen.push(request.headers['x-forwarded-for'] as string);
    response.writeHead(201).end('made');
  });
  await new Promise<void>((ready) => service.listen(0, '127.0.0.1', ready));
  onTestFinished(() => void service.close());
  const port = await freePort();
  const front = await startFront(port, (name) => (name === 'users' ? (service.address() as AddressInfo).port : 1));
  onTestFinished(() => void front.close());
  const spoofed = { headers: { 'x-forwarded-for': '10.9.9.9' } };
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/users/me`, spoofed);
  expect([answer.status, await answer.text(), seen]).toEqual([201, 'made', ['127.0.0.1']]);
  const away = await fetch(`http://127.0.0.1:${port}/api/v1/roles`);
  expect([away.status, ((await away.json()) as { code: string }).code]).toEqual([503, 'unavailable']);
});
