/**
 * Kubernetes as the registry: the EndpointSlices of the Service `auth-service` (and so on), by the API server.
 *
 * A Service's own address would do for HTTP; gRPC keeps one connection and would stay with one pod. The pod's service
 * account needs `list` on `endpointslices` (`discovery.k8s.io`) in the namespace. Of an instance counts the port that
 * the Service names `grpc`.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { type Address, addressOf, type Registry } from './discovery.ts';
import { getJson } from './get-json.ts';

/** Where Kubernetes puts the token and the authority of the API server into a pod. */
const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

const PORT = 'grpc';

/** https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/; absent is null, too. */
const SliceList = z.object({
  items: z.array(
    z.object({
      addressType: z.string(),
      endpoints: z
        .array(
          z.object({
            addresses: z.array(z.string()).min(1),
            conditions: z.object({ ready: z.boolean().nullish() }).nullish(),
          }),
        )
        .nullish(),
      ports: z.array(z.object({ name: z.string().nullish(), port: z.number().int().nullish() })).nullish(),
    }),
  ),
});
type Slice = z.output<typeof SliceList>['items'][number];

/** Ready ones; unknown counts as ready. Further addresses of an endpoint lead to the same pod. */
const addressesIn = ({ endpoints, ports }: Slice): Address[] => {
  const port = ports?.find(({ name }) => name === PORT)?.port;
  if (!port) return [];
  return (endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .map(({ addresses }) => addressOf(addresses[0]!, port));
};

/** A Service of both families has its pods in slices of each: one family is enough. */
const FAMILIES = ['IPv4', 'IPv6', 'FQDN'] as const;

/** @param account folder with the files of the service account */
export const kubernetes = (
  { api, namespace }: { api: string; namespace: string },
  account: string = ACCOUNT,
): Registry => ({
  name: 'k8s',
  lookup: async (service, signal) => {
    // the token is replaced while the pod lives
    const [token, ca] = await Promise.all([
      readFile(join(account, 'token'), 'utf8'),
      readFile(join(account, 'ca.crt'), 'utf8'),
    ]);
    const url = new URL(`/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`, api);
    url.searchParams.set('labelSelector', `kubernetes.io/service-name=${service}`);
    const headers = { authorization: `Bearer ${token.trim()}` };
    const { body } = await getJson(url, { headers, ca, signal });
    const { items } = SliceList.parse(body);
    const byFamily = FAMILIES.map((family) =>
      items.filter(({ addressType }) => addressType === family).flatMap(addressesIn),
    );
    return byFamily.find((found) => found.length > 0) ?? [];
  },
});
