/** The configuration that the project gives for Envoy. No Envoy is to be had from npm or Debian: it was tried by hand. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { identityOf } from '../../functions/sidecar/identity.ts';
import { refused } from '../../functions/sidecar/verdict.ts';

const { static_resources } = parse(
  readFileSync(join(import.meta.dirname, '../../infra/sidecar/proxies/envoy.yaml'), 'utf8'),
);
const web = static_resources.listeners[0].filter_chains[0].filters[0].typed_config;
const filter = (name: string) => web.http_filters.find((each: any) => each.name === name).typed_config;

test('Envoy takes away every identity that a client sends before it asks anybody', () => {
  const { mutations } = web.early_header_mutation_extensions[0].typed_config;
  expect(mutations.map(({ remove }: any) => remove)).toEqual(
    Object.keys(identityOf(refused('unauthenticated', 'no_token'))),
  );
  expect(web.common_http_protocol_options).toEqual({ headers_with_underscores_action: 'DROP_HEADER' });
});

test('Envoy chooses routes by the path that the application sees', () => {
  expect(web).toMatchObject({ normalize_path: true, merge_slashes: true });
  expect(web.path_with_escaped_slashes_action).toBe('REJECT_REQUEST');
});

test('Envoy lets nothing pass without a sidecar, and answers preflights before it asks', () => {
  expect(filter('envoy.filters.http.ext_authz')).toMatchObject({
    failure_mode_allow: false,
    status_on_error: { code: 'ServiceUnavailable' },
    grpc_service: { envoy_grpc: { cluster_name: 'sidecar' } },
  });
  expect(web.http_filters.map(({ name }: any) => name.split('.').at(-1))).toEqual(['cors', 'ext_authz', 'router']);
});
