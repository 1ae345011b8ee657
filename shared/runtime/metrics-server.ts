/** The door of Prometheus: `/metrics` on a port of its own, which the outside does not reach. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Metrics } from '../ports/metrics.ts';
import { exposition } from '../system/metrics.ts';
import { listening } from './listening.ts';

/**
 * Serves `/metrics` until stopped.
 *
 * @throws StartError when the port is taken
 * @example const { port, stop } = await startMetrics(host.ports.metrics, { host: '127.0.0.1', port: 8000 });
 */
export const startMetrics = async (
  metrics: Metrics,
  options: { host: string; port: number },
): Promise<{ port: number; stop(): Promise<void> }> => {
  const server = createServer({ maxHeaderSize: 8_192, headersTimeout: 5_000, requestTimeout: 5_000 }, (req, res) => {
    const path = req.url?.split('?')[0];
    if (path !== '/metrics' || (req.method !== 'GET' && req.method !== 'HEAD')) {
      res.writeHead(404, { 'content-type': 'text/plain' }).end('metrics are at GET /metrics\n');
      return;
    }
    exposition(metrics).then(
      ({ contentType, body }) => {
        res.writeHead(200, { 'content-type': contentType, 'cache-control': 'no-store' });
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
