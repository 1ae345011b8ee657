/** Routes of the process itself: is it alive, is it ready, its documents and pages. */

import { once } from '../../system/once.ts';
import { requestIdOf } from '../binding/binding.ts';
import { askReadiness, type ReadinessCheck } from '../binding/readiness.ts';
import type { Door } from './door.ts';
import type { Exchange } from './exchange.ts';
import type { Router } from './router.ts';

/** A page, a script, a document: the same bytes for everybody. */
export interface StaticRoute {
  path: `/${string}`;
  /** 200 when left out. */
  status?: number;
  contentType: string;
  /** What takes long to make is made when it is first asked for. */
  body: string | Uint8Array | (() => Promise<string | Uint8Array>);
  /** Replace the defaults, e.g. a page's own `content-security-policy`. Lower-case names. */
  headers?: Readonly<Record<string, string>>;
}

/** Adds `/healthz`, `/readyz` and the static routes. `service` labels their metrics. */
export const addPlatformRoutes = (
  router: Router,
  door: Door,
  options: {
    service: string;
    routes: readonly StaticRoute[];
    checks: Readonly<Record<string, ReadinessCheck>>;
    stopping(): boolean;
  },
): void => {
  const { ids, log } = door.host.ports;
  type Made = { status: number; headers: Record<string, string>; body: string | Uint8Array };

  const add = (path: string, kind: 'data' | 'page', make: () => Made | Promise<Made>): void => {
    const report = door.reportOf({ service: options.service, method: 'GET', endpoint: path });
    const respond = async (exchange: Exchange): Promise<void> => {
      const started = performance.now();
      const requestId = requestIdOf(exchange.request.headers['x-request-id'] as string | undefined, ids.uuid);
      const { status, headers, body } = await make();
      door.send(exchange, { status, headers: { ...headers, 'x-request-id': requestId }, body }, kind);
      report(status, started, requestId);
    };
    router.add('GET', path, respond, report);
  };
  const json = (status: number, value: object): Made => ({
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: JSON.stringify(value),
  });

  add('/healthz', 'data', () => json(200, { status: 'ok' }));
  add('/readyz', 'data', async () => {
    const { ready, checks } = await askReadiness(options.checks, { ms: door.limits.ready_ms, log });
    if (options.stopping()) return json(503, { status: 'stopping', checks });
    return json(ready ? 200 : 503, { status: ready ? 'ok' : 'unavailable', checks });
  });
  for (const { path, status = 200, contentType, body, headers } of options.routes) {
    const fields = { 'content-type': contentType, 'cache-control': 'no-cache', ...headers };
    const made = once(
      async (): Promise<Made> => ({ status, headers: fields, body: typeof body === 'function' ? await body() : body }),
    );
    add(path, contentType.startsWith('text/html') ? 'page' : 'data', made);
  }
};
