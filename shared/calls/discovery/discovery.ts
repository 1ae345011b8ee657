/** Where the instances of services are that run in other processes. */

/** `host:port` as gRPC dials it; an IPv6 host stands in brackets. */
export type Address = string;

/**
 * Instances that can take calls now, by name of a service (`auth-service`, `user-service`, …), which is also what every
 * registry is asked for.
 *
 * @example
 * const discovery = await openDiscovery(config.discovery, host.ports);
 * await discovery.instances('user-service'); // ['10.0.0.7:50051', '10.0.0.8:50051']
 */
export interface Discovery {
  /**
   * All instances known to pass; none is an answer, too. The same array as long as nothing changed.
   *
   * @throws AppError `unavailable` when the registry is away and never answered
   */
  instances(service: string): Promise<readonly Address[]>;
  /** Looks again and again, and tells what changed since the last answer. Gives the function that ends it. */
  watch(service: string, listener: (addresses: readonly Address[]) => void): () => void;
  close(): Promise<void>;
}

/** A registry that is asked over the network. What it answers is cached by who asks. */
export interface Registry {
  /** For log and metrics. */
  readonly name: 'k8s' | 'consul' | 'cloudmap';
  /** Instances that pass, in any order; rejects when there is no valid answer, at the latest when `signal` aborts. */
  lookup(service: string, signal: AbortSignal): Promise<readonly Address[]>;
  close?(): void;
}

/** @example addressOf('::1', 50051) // '[::1]:50051' */
export const addressOf = (host: string, port: number): Address => `${host.includes(':') ? `[${host}]` : host}:${port}`;

const NONE: readonly Address[] = [];

/** Addresses that never change. */
export const fixedDiscovery = (addresses: Readonly<Record<string, readonly Address[]>>): Discovery => ({
  instances: async (service) => (Object.hasOwn(addresses, service) ? addresses[service]! : NONE),
  watch: () => () => {},
  close: async () => {},
});
