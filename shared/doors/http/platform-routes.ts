/** Routes of the process itself: is it alive, is it ready, its documents and pages. */
import { requestIdOf } from '../binding/binding.ts';
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

/**
 * Resolves when a dependency answers; what it throws is logged, not shown. `degraded` is for one that may be away while
 * requests are answered: it is shown, and the process stays ready.
 */
export type ReadinessCheck = () => Promise<unknown>;

const within = (check: ReadinessCheck, ms: number): Promise<unknown> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${ms} ms`)), ms);
  });
  return Promise.race([check(), late]).finally(() => clearTimeout(timer));
};

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

  const check = async ([name, run]: [string, ReadinessCheck]): Promise<[string, { status: string }]> => {
    try {
      const said = await within(run, door.limits.ready_ms);
      return [name, { status: said === 'degraded' ? 'degraded' : 'ok' }];
    } catch (cause) {
      log.warn('ready.failed', { check: name, cause });
      return [name, { status: 'unavailable' }];
    }
  };

  add('/healthz', 'data', () => json(200, { status: 'ok' }));
  add('/readyz', 'data', async () => {
    const checks = Object.fromEntries(await Promise.all(Object.entries(options.checks).map(check)));
    const ready = Object.values(checks).every(({ status }) => status !== 'unavailable');
    if (options.stopping()) return json(503, { status: 'stopping', checks });
    return json(ready ? 200 : 503, { status: ready ? 'ok' : 'unavailable', checks });
  });
  for (const { path, status = 200, contentType, body, headers } of options.routes) {
    const fields = { 'content-type': contentType, 'cache-control': 'no-cache', ...headers };
    let made: Made | Promise<Made> | undefined;
    const make = async (): Promise<Made> => ({
      status,
      headers: fields,
      body: typeof body === 'function' ? await body() : body,
    });
    add(path, contentType.startsWith('text/html') ? 'page' : 'data', () => {
      made ??= make();
      return made;
    });
  }
};
