/** Kong in front: each operation has a route, and only those. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { platform } from '../../functions/index.ts';
import { ROOT } from '../../infra/generate/files.ts';
import { routesOf } from '../../infra/generate/routes.ts';
import type { KongConfig } from '../../infra/kong/kong.ts';
import { SERVICES } from '../../shared/config/generated/service-names.ts';
import { kustomize } from './kustomize.ts';
import { validate } from './manifests.ts';

const kong: KongConfig = parse(readFileSync(join(ROOT, 'infra/kong/kong.yml'), 'utf8'));
const names = Object.values(SERVICES);

/** As Kong chooses: of the routes whose expression and method fit, that of the highest priority. */
const answer = (method: string, path: string) => {
  const fitting = kong.services.flatMap((service) =>
    service.routes
      .filter(
        ({ methods, paths }) =>
          methods.includes(method) && paths.some((each) => new RegExp(`^${each.slice(1)}`).test(path)),
      )
      .map((route) => ({ service, route })),
  );
  return fitting.sort((a, b) => b.route.regex_priority - a.route.regex_priority)[0];
};

describe('routes', () => {
  const routes = routesOf(platform);

  test('lead each operation to its service, past none that is more particular', () => {
    for (const { path, methods, service, streams } of routes) {
      const asked = path.replace(/\{[^}]+\}/g, '0b5e');
      const found = answer(methods[0]!, asked);
      expect([asked, found?.service.host]).toEqual([asked, SERVICES[service]]);
      expect(found?.route).toMatchObject({
        strip_path: false,
        response_buffering: !streams,
        request_buffering: !streams,
      });
      expect(found?.service.read_timeout).toBe(streams ? 7_200_000 : 30_000);
    }
    const written = kong.services.flatMap((service) => service.routes.map(({ name }) => name));
    expect(new Set(written).size).toBe(written.length);
  });

  test('lead nowhere for what is no operation', () => {
    for (const [method, path] of [
      ['GET', '/metrics'],
      ['GET', '/'],
      ['DELETE', '/api/v1/auth/login'],
      ['GET', '/api/v1/users/a/b/c'],
    ] as const)
      expect(answer(method, path)).toBeUndefined();
  });

  test('of users ask the sidecar first, and those of services do not', () => {
    for (const { path, methods, access } of routes) {
      const { route } = answer(methods[0]!, path.replace(/\{[^}]+\}/g, 'x'))!;
      const asks = route.plugins?.some(({ name }) => name === 'pre-function') ?? false;
      expect([path, asks]).toEqual([path, access === 'user']);
    }
    const { plugins } = answer('GET', '/api/v1/sessions')!.route;
    const [lua] = plugins![0]!.config.access as string[];
    expect(lua).toContain('http://127.0.0.1:8090/verify');
    expect(lua).toMatch(/status >= 500 then\s+return kong.response.exit\(503/);
  });
});

describe('every service', () => {
  test.each(names)('%s is balanced by user and left out after three errors in a row', (name) => {
    const upstream = kong.upstreams.find((each) => each.name === name);
    expect(upstream).toMatchObject({
      hash_on: 'header',
      hash_on_header: 'user-id',
      targets: [{ target: `${name}.perfect21-auth.svc.cluster.local:80` }],
      healthchecks: {
        active: { http_path: '/readyz', unhealthy: { http_failures: 3, tcp_failures: 3, timeouts: 3 } },
        passive: { unhealthy: { http_failures: 3, tcp_failures: 3, timeouts: 3 } },
      },
    });
  });

  test('is behind limits, ids and CORS of named pages', () => {
    const plugins = Object.fromEntries(kong.plugins.map(({ name, config }) => [name, config]));
    expect(plugins['rate-limiting']).toMatchObject({ minute: 1_200, limit_by: 'ip' });
    expect(plugins.cors).toMatchObject({ origins: ['https://app.example.com'], credentials: false });
    expect(plugins['correlation-id']).toMatchObject({ header_name: 'x-request-id' });
    const guessed = answer('POST', '/api/v1/auth/login')!.route.plugins!;
    expect(guessed.map(({ name, config }) => [name, config.minute])).toEqual([['rate-limiting', 60]]);
  });
});

test('runs in an overlay with the sidecar beside it, admin closed, nothing written to its root', async () => {
  const built = kustomize('infra/kubernetes/overlays/production');
  const gateway = built.find(({ kind, metadata }) => kind === 'Deployment' && metadata?.name === 'gateway')!;
  await validate(gateway);
  const { initContainers, containers, volumes } = gateway.spec.template.spec;
  expect(initContainers).toMatchObject([{ name: 'perfect21-sidecar', restartPolicy: 'Always' }]);
  const env = Object.fromEntries(containers[0].env.map(({ name, value }: any) => [name, value]));
  expect(env).toMatchObject({ KONG_ADMIN_LISTEN: 'off', KONG_DATABASE: 'off', KONG_PREFIX: '/kong' });
  expect(containers[0].securityContext.readOnlyRootFilesystem).toBe(true);
  const { name } = volumes.find((each: any) => each.name === 'config').configMap;
  const config = built.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata?.name === name);
  expect(parse((config!.data as Record<string, string>)['kong.yml']!)).toEqual(kong);
});
