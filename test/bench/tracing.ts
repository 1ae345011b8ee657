/** What tracing costs: `POST /api/v1/auth/validate` with a tenth of the requests sampled and sent, beside the same without. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Bench, ratioRow } from './bench.ts';
import { besideEachOther, type Validating } from './beside.ts';
import { startLoad } from './load/index.ts';
import { seed, startPlatform, withFolder } from './platform.ts';

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
  run: () =>
    withFolder((plainFolder) =>
      withFolder(async (tracedFolder) => {
        const collector = await startCollector();
        const open = async (folder: string, env: Record<string, string>): Promise<Validating> => {
          const { tokens } = await seed(folder, 1, 1);
          return { ...(await startPlatform(folder, { core: 0, env })), token: tokens[0]! };
        };
        const plain = await open(plainFolder, {});
        const traced = await open(tracedFolder, {
          OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
          OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
          OTEL_TRACES_SAMPLER_ARG: '0.1',
        });
        const found = await besideEachOther(startLoad(1), traced, plain);
        const batches = collector.batches();
        collector.close();
        await Promise.all([plain.program.stop(), traced.program.stop()]);
        return [
          ratioRow('validate with a tenth of the requests traced, beside none', found, LEAST),
          {
            what: '  batches of spans that came',
            measured: String(batches),
            baseline: '',
            bound: '> 0',
            ok: batches > 0,
          },
        ];
      }),
    ),
};
