/** What tracing costs: `POST /api/v1/auth/validate` with a tenth of the requests sampled and sent, beside the same without. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { alternate, type Bench, ratioRow } from './bench.ts';
import { post } from './load/http-wire.ts';
import { startLoad } from './load/index.ts';
import { type Platform, seed, startPlatform, withFolder } from './platform.ts';
import { perCoreSecond } from './processor.ts';

const [ROUNDS, SECONDS, WARM_UP, CONNECTIONS] = [9, 2, 4, 32];
const LEAST = 0.95;

/** Takes what comes and keeps nothing. */
const startCollector = async () => {
  let spans = 0;
  const server = createServer((request, response) => {
    spans += 1;
    request.resume().on('end', () => response.end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    batches: () => spans,
    close: () => server.close(),
  };
};

export const bench: Bench = {
  name: 'tracing',
  run: () =>
    withFolder((plainFolder) =>
      withFolder(async (tracedFolder) => {
        const collector = await startCollector();
        const load = startLoad(1);
        const open = async (folder: string, env: Record<string, string>) => {
          const { tokens } = await seed(folder, 1, 1);
          const platform = await startPlatform(folder, { core: 0, env });
          return { platform, token: tokens[0]! };
        };
        const plain = await open(plainFolder, {});
        const traced = await open(tracedFolder, {
          OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
          OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
          OTEL_TRACES_SAMPLER_ARG: '0.1',
        });
        const rate = ({ platform, token }: { platform: Platform; token: string }, seconds = SECONDS) =>
          perCoreSecond(platform.program, seconds, async () => {
            const request = post('/api/v1/auth/validate', { token }).toString('base64');
            const [outcome] = await load.put({
              port: platform.http,
              connections: CONNECTIONS,
              wire: { http: [request], expected: '"valid":true' },
              load: { in_flight: CONNECTIONS, seconds },
            });
            return outcome!.per_second;
          });
        await rate(plain, WARM_UP);
        await rate(traced, WARM_UP);
        const found = await alternate(
          ROUNDS,
          () => rate(traced),
          () => rate(plain),
        );
        const batches = collector.batches();
        collector.close();
        await Promise.all([plain.platform.stop(), traced.platform.stop()]);
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
