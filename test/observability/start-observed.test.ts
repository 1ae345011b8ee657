/** `npm run start:observed` with a real Prometheus. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { debianProgram } from '../engines/debian-programs.ts';
import { freePort } from '../support/free-port.ts';
import { OBSERVED, startProcess } from '../support/process.ts';

const folder = mkdtempSync(join(tmpdir(), 'perfect21-observed-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('it shows where Prometheus is, which scrapes the platform with our rules, and one signal ends both', async () => {
  const port = await freePort();
  const { path, env } = debianProgram('prometheus');
  const started = startProcess(
    folder,
    {
      PATH: `${dirname(path)}:${process.env.PATH}`,
      LD_LIBRARY_PATH: env.LD_LIBRARY_PATH!,
      PERFECT21_PROMETHEUS_PORT: String(port),
      PERFECT21_METRICS_PORT: String(await freePort()),
    },
    OBSERVED,
  );
  try {
    await started.ready;
    const ask = async (path: string) => (await (await fetch(`http://127.0.0.1:${port}${path}`)).json()) as any;
    await expect
      .poll(async () => (await ask('/api/v1/query?query=up')).data.result[0]?.value[1], { timeout: 30_000 })
      .toBe('1');
    expect((await ask('/api/v1/rules')).data.groups.map(({ name }: { name: string }) => name)).toContain(
      'perfect21-promises',
    );
  } finally {
    expect(await started.end('SIGINT')).toBe(0);
  }
  expect(started.out.text).toContain('stopped');
  await expect(fetch(`http://127.0.0.1:${port}/-/ready`)).rejects.toThrow();
}, 90_000);

test('without Prometheus it says what to install', async () => {
  const started = startProcess(folder, { PATH: '/nowhere' }, OBSERVED);
  await expect(started.ready).rejects.toThrow('"apt-get install prometheus"');
});
