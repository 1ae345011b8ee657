/** What tracing costs: `POST /api/v1/auth/validate` with a tenth of the requests sampled and sent, beside the same without. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Bench, ratioRow } from './bench.ts';
import { besideEachOther } from './beside.ts';

const LEAST = 0.95;

/** Takes what comes and keeps nothing. */
const startCollector = async () => {
  let batches = 0;
  const server = createServer((request, response) => {
    batches += 1;
    request.resume().on('end', () => response.end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    batches: () => batches,
    close: () => server.close(),
  };
};

export const bench: Bench = {
  name: 'tracing',
  run: async () => {
    const collector = await startCollector();
    const traced = {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.1',
    };
    const found = await besideEachOther({ env: traced }, {});
    const batches = collector.batches();
    collector.close();
    return [
      ratioRow('validate with a tenth of the requests traced, beside none', found, LEAST),
      { what: '  batches of spans that came', measured: String(batches), baseline: '', bound: '> 0', ok: batches > 0 },
    ];
  },
};
