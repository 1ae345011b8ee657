/** The door of operators: `/metrics` and `/status` on a port of its own, which the outside does not reach. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type StatusAnswer, statusAnswer } from '../doors/status/page.ts';
import { type StatusSubject, watchStatus } from '../doors/status/status.ts';
import type { Ports } from '../ports/index.ts';
import { listening } from '../system/listening.ts';
import { exposition } from '../system/metrics.ts';
import { isOwn } from './exposure.ts';

/**
 * Serves `/metrics`, and `/status` of what `subject` describes, until stopped. A process that has no other HTTP port says here, too, whether it lives (`/healthz`) and
 * is ready (`/readyz`).
 *
 * @throws StartError when the port is taken
 * @example const { port, stop } = await startMetrics(host.ports, { host: '127.0.0.1', port: 8000, subject });
 */
export const startMetrics = async (
  ports: Pick<Ports, 'clock' | 'metrics'>,
  options: { host: string; port: number; subject: StatusSubject; ready?: () => boolean },
): Promise<{ port: number; stop(): Promise<void> }> => {
  const { ready } = options;
  const watch = watchStatus(ports, options.subject);
  const plain = (status: number, body: string) => ({ status, contentType: 'text/plain', body });
  const health = (well: boolean) => ({
    status: well ? 200 : 503,
    contentType: 'application/json',
    body: JSON.stringify({ status: well ? 'ok' : 'unavailable' }),
  });
  const answer = async (url: string, headers: IncomingHttpHeaders): Promise<StatusAnswer> => {
    const path = url.split('?', 1)[0];
    if (path === '/metrics') return { status: 200, ...(await exposition(ports.metrics, headers.accept)) };
    if (ready && path === '/healthz') return health(true);
    if (ready && path === '/readyz') return health(ready());
    const page = await statusAnswer(watch, url, headers, isOwn(options.host));
    return page ?? plain(404, 'GET /metrics is for Prometheus, GET /status for people\n');
  };
  const server = createServer({ maxHeaderSize: 8_192, headersTimeout: 5_000, requestTimeout: 5_000 }, (req, res) => {
    const read = req.method === 'GET' || req.method === 'HEAD';
    answer((read && req.url) || '', req.headers).then(
      ({ status, contentType, body, headers }) => {
        res.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store', ...headers });
        res.end(req.method === 'HEAD' ? undefined : body);
      },
      () => res.writeHead(500).end(),
    );
  });
  server.maxConnections = 64;
  await listening(server, options, 'PERFECT21_METRICS_PORT').catch((thrown) => {
    watch.stop();
    throw thrown;
  });
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      watch.stop();
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { port: (server.address() as AddressInfo).port, stop };
};
