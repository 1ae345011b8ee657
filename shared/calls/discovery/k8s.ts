/**
 * Kubernetes as the registry: the EndpointSlices of the Service `auth-service` (and so on), by the API server.
 *
 * A Service's own address would do for HTTP; gRPC keeps one connection and would stay with one pod. The pod's service
 * account needs `list` and `watch` on `endpointslices` (`discovery.k8s.io`) in the namespace. Of an instance counts the port that
 * the Service names `grpc`.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { addressOf, described, type Instance, type Registry } from './discovery.ts';
import { type Asking, getJson, getLines } from './get-json.ts';

/** Where Kubernetes puts the token and the authority of the API server into a pod. */
const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

const PORT = 'grpc';

/** The API server ends a watch after this, seconds; one that says nothing for longer was cut somewhere. */
const WATCH_S = 60;
const LATE_MS = 5_000;

/** https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/; absent is null, too. */
const Slice = z.object({
  metadata: z.object({ name: z.string().default(''), resourceVersion: z.string().optional() }).default({ name: '' }),
  addressType: z.string(),
  endpoints: z
    .array(
      z.object({
        addresses: z.array(z.string()).min(1),
        conditions: z.object({ ready: z.boolean().nullish() }).nullish(),
        zone: z.string().nullish(),
      }),
    )
    .nullish(),
  ports: z.array(z.object({ name: z.string().nullish(), port: z.number().int().nullish() })).nullish(),
});
type Slice = z.output<typeof Slice>;

const SliceList = z.object({
  metadata: z.object({ resourceVersion: z.string().optional() }).optional(),
  items: z.array(Slice),
});

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes */
const WatchEvent = z.discriminatedUnion('type', [
  z.object({ type: z.enum(['ADDED', 'MODIFIED', 'DELETED']), object: Slice }),
  z.object({ type: z.literal('BOOKMARK') }),
  z.object({ type: z.literal('ERROR'), object: z.object({ code: z.number().optional() }) }),
]);

/** Ready ones; unknown counts as ready. Further addresses of an endpoint lead to the same pod. */
const instancesIn = ({ endpoints, ports }: Slice): Instance[] => {
  const port = ports?.find(({ name }) => name === PORT)?.port;
  if (!port) return [];
  return (endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .map(({ addresses, zone }) => described(addressOf(addresses[0]!, port), { zone }));
};

/** A Service of both families has its pods in slices of each: one family is enough. */
const FAMILIES = ['IPv4', 'IPv6', 'FQDN'] as const;

const passing = (slices: readonly Slice[]): Instance[] => {
  const byFamily = FAMILIES.map((family) =>
    slices.filter(({ addressType }) => addressType === family).flatMap(instancesIn),
  );
  return byFamily.find((found) => found.length > 0) ?? [];
};

/** @param account folder with the files of the service account */
export const kubernetes = (
  { api, namespace }: { api: string; namespace: string },
  account: string = ACCOUNT,
): Registry => {
  const asking = async (signal: AbortSignal): Promise<Asking> => {
    // the token is replaced while the pod lives
    const [token, ca] = await Promise.all([
      readFile(join(account, 'token'), 'utf8'),
      readFile(join(account, 'ca.crt'), 'utf8'),
    ]);
    return { headers: { authorization: `Bearer ${token.trim()}` }, ca, signal };
  };
  const urlOf = (service: string, more: Record<string, string> = {}): URL => {
    const url = new URL(`/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`, api);
    url.search = String(new URLSearchParams({ labelSelector: `kubernetes.io/service-name=${service}`, ...more }));
    return url;
  };
  const listed = async (service: string, signal: AbortSignal) =>
    SliceList.parse((await getJson(urlOf(service), await asking(signal))).body);

  return {
    name: 'k8s',
    lookup: async (service, signal) => passing((await listed(service, signal)).items),
    follow: async (service, tell, signal) => {
      const { items, metadata } = await listed(service, signal);
      const slices = new Map(items.map((slice) => [slice.metadata.name, slice]));
      tell(passing(items));
      const resourceVersion = metadata?.resourceVersion;
      if (!resourceVersion) return;
      const late = AbortSignal.timeout(WATCH_S * 1_000 + LATE_MS);
      const url = urlOf(service, { watch: 'true', resourceVersion, timeoutSeconds: String(WATCH_S) });
      for await (const line of getLines(url, await asking(AbortSignal.any([signal, late])))) {
        const event = WatchEvent.parse(line);
        // 410: what happened since is not known there any more; who follows begins anew with a list
        if (event.type === 'ERROR') return;
        if (event.type === 'BOOKMARK') continue;
        const { name } = event.object.metadata;
        if (event.type === 'DELETED') slices.delete(name);
        else slices.set(name, event.object);
        tell(passing([...slices.values()]));
      }
    },
  };
};
