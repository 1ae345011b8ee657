/**
 * Consul as the registry: instances of `auth-service` (and so on) whose checks pass, registered with their gRPC port.
 *
 * Two requests of its HTTP API (https://developer.hashicorp.com/consul/api-docs/health), so no client library. An ACL
 * token needs `service:read` and `node:read`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { type ConsulAgent, type ConsulOptions, consulAgent } from './consul-agent.ts';
import { addressOf, described, type Instance, type Registry } from './discovery.ts';
import type { JsonAnswer } from './get-json.ts';

const Meta = z.record(z.string(), z.string()).nullish();

const Health = z.array(
  z.object({
    Node: z.object({ Address: z.string(), Meta }),
    Service: z.object({
      Address: z.string(),
      Port: z.number().int(),
      Meta,
      Weights: z.object({ Passing: z.number() }).nullish(),
    }),
  }),
);

/** How long Consul may hold a question while nothing changes, seconds; it adds up to a sixteenth at random. */
const WAIT_S = 15;
/** How much later than that an answer is none any more, ms. */
const LATE_MS = 3_000;
/** Between two answers, however often something changes, ms. */
const PACE_MS = 50;
/** After an answer that was not waited for, as from a proxy that knows no `wait`, ms. */
const HASTY_MS = 1_000;

/** What stands in the catalogue; weights are those of passing instances, zones the `zone` in the metadata of service or node. */
const instancesIn = ({ body }: JsonAnswer): Instance[] =>
  Health.parse(body)
    .filter(({ Service: { Port } }) => Port > 0)
    .map(({ Node, Service }) =>
      described(addressOf(Service.Address || Node.Address, Service.Port), {
        zone: Service.Meta?.zone ?? Node.Meta?.zone,
        weight: Service.Weights?.Passing,
      }),
    );

const asked = async (agent: ConsulAgent, service: string, question: string, signal: AbortSignal) => {
  const answer = await agent.get(`/v1/health/service/${service}?passing=true${question}`, signal);
  const instances = instancesIn(answer);
  // what a token may not read Consul leaves out, and says so
  if (instances.length === 0 && answer.headers['x-consul-results-filtered-by-acls'] === 'true')
    throw new Error(`CONSUL_HTTP_TOKEN may not read ${service}`);
  return { instances, index: Number(answer.headers['x-consul-index']) };
};

/**
 * The rules of blocking queries (https://developer.hashicorp.com/consul/api-docs/features/blocking): an index that is not
 * higher than 0 can't be waited for, and one that went back (a server that was restored) is forgotten.
 */
const following =
  (agent: ConsulAgent): NonNullable<Registry['follow']> =>
  async (service, tell, signal) => {
    for (let index = 0; ; ) {
      const since = performance.now();
      const late = AbortSignal.timeout(Math.ceil(WAIT_S * (1 + 1 / 16) * 1_000) + LATE_MS);
      const question = index > 0 ? `&index=${index}&wait=${WAIT_S}s` : '';
      const answer = await asked(agent, service, question, AbortSignal.any([signal, late]));
      tell(answer.instances);
      // without an index there is nothing to wait for: looking again and again has to do
      if (!(answer.index > 0)) return;
      const hasty = answer.index === index && performance.now() - since < HASTY_MS;
      index = answer.index < index ? 0 : answer.index;
      await sleep(hasty ? HASTY_MS : PACE_MS, undefined, { signal, ref: false });
    }
  };

/** @throws StartError when the authority's file can't be read */
export const consul = (options: ConsulOptions): Registry => {
  const agent = consulAgent(options);
  return {
    name: 'consul',
    lookup: async (service, signal) => (await asked(agent, service, '', signal)).instances,
    follow: following(agent),
  };
};
