/** The collector's configuration, as far as it can be told without a collector. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../shared/config/config.ts';

const config = parse(readFileSync(join(import.meta.dirname, '../../infra/otel/collector.yaml'), 'utf8'));

test('its pipeline is made of parts that are configured, and each part is in it', () => {
  const { extensions, pipelines } = config.service;
  expect(Object.keys(config.extensions)).toEqual(extensions);
  for (const kind of ['receivers', 'processors', 'exporters'])
    expect(Object.keys(config[kind])).toEqual(pipelines.traces[kind]);
});

test('it refuses before it is full, and takes spans where the platform sends them', () => {
  expect(config.service.pipelines.traces.processors[0]).toBe('memory_limiter');
  const { url } = loadConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }).tracing!;
  expect(config.receivers.otlp.protocols.http.endpoint).toMatch(new RegExp(`:${new URL(url).port}$`));
});
