/**
 * Consul as the registry: instances of `auth-service` (and so on) whose checks pass, registered with their gRPC port.
 *
 * One request of its HTTP API (https://developer.hashicorp.com/consul/api-docs/health), so no client library. An ACL
 * token needs `service:read` and `node:read`.
 */
import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { StartError } from '../../config/start-error.ts';
import { addressOf, type Registry } from './discovery.ts';
import { getJson } from './get-json.ts';

const Health = z.array(
  z.object({
    Node: z.object({ Address: z.string() }),
    Service: z.object({ Address: z.string(), Port: z.number().int() }),
  }),
);

const readCa = (file: string | undefined): string | undefined => {
  try {
    return file && readFileSync(file, 'utf8');
  } catch (cause) {
    throw new StartError(`CONSUL_CACERT: ${file} can't be read`, { cause });
  }
};

/** @throws StartError when the authority's file can't be read */
export const consul = (options: { url: string; token?: string; ca?: string }): Registry => {
  const ca = readCa(options.ca);
  const headers: Record<string, string> = options.token ? { 'x-consul-token': options.token } : {};
  return {
    name: 'consul',
    lookup: async (service, signal) => {
      const url = new URL(`/v1/health/service/${service}?passing=true`, options.url);
      const answer = await getJson(url, { headers, ca, signal });
      const found = Health.parse(answer.body);
      // what a token may not read Consul leaves out, and says so
      if (found.length === 0 && answer.headers['x-consul-results-filtered-by-acls'] === 'true')
        throw new Error(`CONSUL_HTTP_TOKEN may not read ${service}`);
      return found
        .filter(({ Service: { Port } }) => Port > 0)
        .map(({ Node, Service }) => addressOf(Service.Address || Node.Address, Service.Port));
    },
  };
};
