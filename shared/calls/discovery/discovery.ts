/** Where the instances of services are that run in other processes. */

/** `host:port` as gRPC dials it; an IPv6 host stands in brackets. */
export type Address = string;

/** An instance that can take calls, and what a registry says of it. */
export interface Instance {
  readonly address: Address;
  /** Where it stands (`eu-central-1a`), where that is known; who calls prefers its own. */
  readonly zone?: string;
  /** Its share of the calls, against the others'; 1 when left out. Over 0. */
  readonly weight?: number;
}

/**
 * Instances that can take calls now, by name of a service (`auth-service`, `user-service`, …), which is also what every
 * registry is asked for.
 *
 * @example
 * const discovery = await openDiscovery(config.discovery, host.ports);
 * await discovery.instances('user-service'); // [{ address: '10.0.0.7:50051' }, { address: '10.0.0.8:50051', weight: 2 }]
 */
export interface Discovery {
  /**
   * All instances known to pass; none is an answer, too. The same array as long as nothing changed.
   *
   * @throws AppError `unavailable` when the registry is away and never answered
   */
  instances(service: string): Promise<readonly Instance[]>;
  /**
   * Tells what changed since the last answer: at once where the registry tells of changes, and by looking again and again.
   * Gives the function that ends it.
   */
  watch(service: string, listener: (instances: readonly Instance[]) => void): () => void;
  close(): Promise<void>;
}

/** A registry that is asked over the network. What it answers is cached by who asks. */
export interface Registry {
  /** For log and metrics. */
  readonly name: 'dns' | 'k8s' | 'consul' | 'cloudmap';
  /** Instances that pass, in any order; rejects when there is no valid answer, at the latest when `signal` aborts. */
  lookup(service: string, signal: AbortSignal): Promise<readonly Instance[]>;
  /**
   * Tells all instances that pass: now, and whenever that may have changed. It ends when it can tell no more; rejects when
   * the registry is away, and when `signal` aborts.
   */
  follow?(service: string, tell: (instances: readonly Instance[]) => void, signal: AbortSignal): Promise<void>;
  close?(): void;
}

/** @example addressOf('::1', 50051) // '[::1]:50051' */
export const addressOf = (host: string, port: number): Address => `${host.includes(':') ? `[${host}]` : host}:${port}`;

/** @example instancesAt('10.0.0.7:50051', '10.0.0.8:50051') */
export const instancesAt = (...addresses: readonly Address[]): readonly Instance[] =>
  addresses.map((address) => ({ address }));

const WEIGHT = { least: 0.001, most: 65_535 };

/** What a registry says of an instance: its zone unless empty, and its weight where that is a number that can be one. */
export const described = (address: Address, about: { zone?: string | null; weight?: unknown }): Instance => {
  const weight = Number(about.weight ?? 1);
  return {
    address,
    ...(about.zone && { zone: about.zone }),
    ...(weight > 0 && weight !== 1 && { weight: Math.min(WEIGHT.most, Math.max(WEIGHT.least, weight)) }),
  };
};

const NONE: readonly Instance[] = [];

/** Addresses that never change. */
export const fixedDiscovery = (addresses: Readonly<Record<string, readonly Address[]>>): Discovery => {
  const instances = new Map(Object.entries(addresses).map(([name, list]) => [name, instancesAt(...list)]));
  return {
    instances: async (service) => instances.get(service) ?? NONE,
    watch: () => () => {},
    close: async () => {},
  };
};
