/** The door of Prometheus and of probes: `/metrics` on a port of its own, which the outside does not reach. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Metrics } from '../ports/metrics.ts';
import { listening } from '../system/listening.ts';
import { exposition } from '../system/metrics.ts';

/**
 * Serves `/metrics` until stopped. A process that has no other HTTP port says here, too, whether it lives (`/healthz`) and
 * is ready (`/readyz`).
 *
 * @throws StartError when the port is taken
 * @example const { port, stop } = await startMetrics(host.ports.metrics, { host: '127.0.0.1', port: 8000 });
 */
export const startMetrics = async (
  metrics: Metrics,
  options: { host: string; port: number; ready?: () => boolean },
): Promise<{ port: number; stop(): Promise<void> }> => {
  const { ready } = options;
  const plain = (status: number, body: string) => ({ status, contentType: 'text/plain', body });
  const health = (well: boolean) => ({
    status: well ? 200 : 503,
    contentType: 'application/json',
    body: JSON.stringify({ status: well ? 'ok' : 'unavailable' }),
  });
  const answer = async (path: string | undefined) => {
    if (path === '/metrics') return { status: 200, ...(await exposition(metrics)) };
    if (ready && path === '/healthz') return health(true);
    if (ready && path === '/readyz') return health(ready());
    return plain(404, 'metrics are at GET /metrics\n');
  };
  const server = createServer({ maxHeaderSize: 8_192, headersTimeout: 5_000, requestTimeout: 5_000 }, (req, res) => {
    const read = req.method === 'GET' || req.method === 'HEAD';
    answer(read ? req.url?.split('?')[0] : undefined).then(
      ({ status, contentType, body }) => {
        res.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' });
        res.end(req.method === 'HEAD' ? undefined : body);
      },
      () => res.writeHead(500).end(),
    );
  });
  server.maxConnections = 64;
  await listening(server, options, 'PERFECT21_METRICS_PORT');
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { port: (server.address() as AddressInfo).port, stop };
};
