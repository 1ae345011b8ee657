/**
 * Kubernetes without rights to ask its API server: a pod without a service account's token, or whose Role lacks
 * `endpointslices`, finds pods by the DNS of headless Services.
 *
 * DNS knows neither zones nor, for some seconds, that a pod went away; so the API is tried first, and once it answered it alone is
 * believed: when it is away after that, the last answer goes on.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Instance, Registry } from './discovery.ts';
import { dns } from './dns.ts';
import { kubernetes } from './k8s.ts';

/** What is left of a look-up's two seconds is for DNS. */
const API_MS = 1_000;
/** Between two looks by DNS, ms; the API is tried again with each. */
const EVERY_MS = 5_000;

/** @param resolv what Kubernetes writes into a pod: `search shop.svc.cluster.local svc.cluster.local cluster.local` */
export const clusterDomain = (resolv: string): string =>
  /^search\s.*?\bsvc\.(\S+)/m.exec(resolv)?.[1] ?? 'cluster.local';

const ownDomain = (): string => {
  try {
    return clusterDomain(readFileSync('/etc/resolv.conf', 'utf8'));
  } catch {
    return clusterDomain('');
  }
};

/** A registry, and another one that serves as long as the first was never reached. */
export const firstOrElse = (first: Registry, other: Registry): Registry => {
  let reached = false;
  const otherwise = async (service: string, signal: AbortSignal, cause: unknown): Promise<readonly Instance[]> => {
    if (reached || signal.aborted) throw cause;
    try {
      return await other.lookup(service, signal);
    } catch {
      // what is missing is the first one
      throw cause;
    }
  };
  return {
    name: first.name,
    lookup: async (service, signal) => {
      const within = reached ? signal : AbortSignal.any([signal, AbortSignal.timeout(API_MS)]);
      try {
        const found = await first.lookup(service, within);
        reached = true;
        return found;
      } catch (cause) {
        return otherwise(service, signal, cause);
      }
    },
    follow: async (service, tell, signal) => {
      try {
        const heard = (found: readonly Instance[]): void => {
          reached = true;
          tell(found);
        };
        await first.follow?.(service, heard, signal);
      } catch (cause) {
        tell(await otherwise(service, signal, cause));
        await sleep(EVERY_MS, undefined, { signal, ref: false });
      }
    },
  };
};

export const kubernetesOrDns = ({ api, namespace }: { api: string; namespace: string }): Registry =>
  firstOrElse(kubernetes({ api, namespace }), dns({ domain: `${namespace}.svc.${ownDomain()}` }));
