import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startCollector } from '../engines/otlp.ts';
import { startProcess } from '../support/process.ts';

/** Says on standard error what a process loads of OpenTelemetry, however it asks; prom-client brings the empty API. */
const SPY = `import { registerHooks } from 'node:module';
registerHooks({ resolve(specifier, context, next) {
  const found = next(specifier, context);
  if (/@opentelemetry.(?!api\\/)/.test(found.url)) process.stderr.write('LOADED ' + found.url + '\\n');
  return found;
} });`;

const started = async (env: Record<string, string>) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'perfect21-tracing-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const NODE_OPTIONS = `--import data:text/javascript,${encodeURIComponent(SPY)}`;
  const process = startProcess(dataDir, { NODE_OPTIONS, LOG_LEVEL: 'warn', ...env });
  onTestFinished(async () => void (await process.end('SIGKILL')));
  await process.ready;
  return process;
};

const register = async (process: Awaited<ReturnType<typeof started>>): Promise<void> => {
  const answer = await fetch(`${process.address('REST')}/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'ada@example.net', password: 'a long and unusual phrase 7' }),
  });
  expect(answer.status).toBe(202);
};

describe('a process of the platform', () => {
  test('loads nothing of OpenTelemetry while no collector is named', async () => {
    const process = await started({});
    await register(process);
    expect(await process.end()).toBe(0);
    expect(process.out.errors).not.toContain('LOADED');
  }, 30_000);

  test('sends what is left of its spans when it is told to stop, as protobuf unless told otherwise', async () => {
    const collector = await startCollector();
    onTestFinished(() => collector.close());
    const process = await started({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      OTEL_SERVICE_NAME: 'named-here',
    });
    await register(process);
    expect(await process.end()).toBe(0);
    expect(process.out.errors).toContain('LOADED');
    expect(collector.requests[0]).toMatchObject({ path: '/v1/traces', type: 'application/x-protobuf' });
    const told = collector.requests.map(({ bytes }) => bytes.toString('latin1')).join('');
    expect(told).toContain('named-here');
    expect(told).toContain('POST /api/v1/auth/register');
    expect(told).not.toContain('ada@example.net');
  }, 30_000);

  test('serves without a collector that is there, and does not wait for it when it stops', async () => {
    const collector = await startCollector();
    await collector.close();
    const process = await started({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint });
    await register(process);
    const before = performance.now();
    expect(await process.end()).toBe(0);
    expect(performance.now() - before).toBeLessThan(9_000);
  }, 40_000);
});
