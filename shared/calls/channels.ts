/** Connections to the instances of other services: one per address, as discovery tells them, chosen by a policy. */
import { type ChannelCredentials, Client, connectivityState } from '@grpc/grpc-js';
import { beClosedInPeace } from '../grpc/closing.ts';
import { CLIENT_OPTIONS } from '../grpc/limits.ts';
import { AppError } from '../kit/errors.ts';
import type { Address, Discovery, Instance } from './discovery/discovery.ts';
import { Ejections } from './discovery/ejections.ts';
import { type Candidate, nearest, type Policy } from './discovery/policies.ts';

interface Connection {
  readonly address: Address;
  readonly client: Client;
  calls: number;
}

/** An instance as one service has it: what a registry says of it is said for each service. */
interface Member extends Candidate {
  readonly connection: Connection;
}

const member = (instance: Instance, connection: Connection): Member => ({
  ...instance,
  connection,
  get calls() {
    return connection.calls;
  },
});

interface Group {
  policy: Policy;
  instances: readonly Instance[];
  members: readonly Member[];
  unwatch(): void;
}

export interface ChannelsOptions {
  discovery: Discovery;
  credentials: ChannelCredentials;
  /** What certificates have to be issued to; their address when left out. */
  name?: string;
  /** Makes a policy for one service. */
  policy: () => Policy;
  /** Where this process stands: instances in the same zone are preferred. */
  zone?: string;
  /** Unix ms. */
  now: () => number;
  /** Told when an instance failed so often that it is passed over. */
  ejected?: (service: string, address: Address) => void;
}

export class Channels {
  readonly #options: ChannelsOptions;
  readonly #ejections: Ejections;
  /** Services may share an instance, and so its connection. */
  readonly #connections = new Map<Address, Connection>();
  readonly #draining = new Set<Connection>();
  readonly #groups = new Map<string, Group>();

  constructor(options: ChannelsOptions) {
    beClosedInPeace();
    this.#options = options;
    this.#ejections = new Ejections(options.now);
  }

  /**
   * Does something with an instance of a service, which counts as in flight meanwhile and keeps its connection.
   *
   * @param key what the call is about, for policies that go by it
   * @param tried instances that others are preferred to; the one that is used is added
   * @param faulty whether a failure is the instance's fault; undefined when that can't be told
   * @throws AppError `unavailable` when none is known
   */
  async use<T>(
    service: string,
    { key, tried, faulty }: { key: string; tried: Set<Address>; faulty: (thrown: unknown) => boolean | undefined },
    work: (client: Client) => Promise<T>,
  ): Promise<T> {
    const group = this.#groupOf(service);
    this.#follow(group, await this.#options.discovery.instances(service));
    const connection = this.#choose(group, key, tried);
    if (!connection) {
      throw new AppError('unavailable', { cause: new Error(`no address of the service ${service} is known`) });
    }
    const { address, client } = connection;
    tried.add(address);
    connection.calls += 1;
    try {
      const answer = await work(client);
      this.#ejections.succeeded(address);
      return answer;
    } catch (thrown) {
      const fault = this.#connections.get(address) === connection ? faulty(thrown) : undefined;
      if (fault === false) this.#ejections.succeeded(address);
      else if (fault) this.#fault(service, connection);
      throw thrown;
    } finally {
      connection.calls -= 1;
      this.#closeDrained(connection);
    }
  }

  /** Whoever hangs may have moved, and grpc-js waits for the old place: 20 s for a connection, 13 s for a sign of life. */
  #fault(service: string, connection: Connection): void {
    const { address, client } = connection;
    const ejected = this.#ejections.failed(address);
    if (ejected) this.#options.ejected?.(service, address);
    if (!ejected && client.getChannel().getConnectivityState(false) !== connectivityState.CONNECTING) return;
    this.#connections.delete(address);
    const fresh = this.#connectionTo(address);
    for (const group of this.#groups.values())
      group.members = group.members.map((each) => (each.connection === connection ? member(each, fresh) : each));
    this.#draining.add(connection);
  }

  close(): void {
    for (const group of this.#groups.values()) group.unwatch();
    for (const { client } of [...this.#connections.values(), ...this.#draining]) client.close();
    this.#groups.clear();
    this.#connections.clear();
    this.#draining.clear();
  }

  #groupOf(service: string): Group {
    let group = this.#groups.get(service);
    if (!group) {
      const made: Group = { policy: this.#options.policy(), instances: [], members: [], unwatch: () => {} };
      made.unwatch = this.#options.discovery.watch(service, (instances) => this.#follow(made, instances));
      this.#groups.set(service, made);
      group = made;
    }
    return group;
  }

  #choose({ policy, members }: Group, key: string, tried: ReadonlySet<Address>): Connection | undefined {
    let candidates = this.#ejections.remaining(members);
    if (tried.size > 0) {
      const untried = (of: readonly Member[]) => of.filter(({ address }) => !tried.has(address));
      candidates = [untried(candidates), untried(members), members].find(({ length }) => length > 0) ?? [];
    }
    return candidates.length > 0 ? policy(nearest(candidates, this.#options.zone), key).connection : undefined;
  }

  /** New instances are connected to before their first call; those that vanished finish what they have. */
  #follow(group: Group, instances: readonly Instance[]): void {
    if (instances === group.instances) return;
    group.instances = instances;
    group.members = instances.map((instance) => member(instance, this.#connectionTo(instance.address)));
    const wanted = new Set([...this.#groups.values()].flatMap(({ members }) => members.map((each) => each.connection)));
    for (const connection of this.#connections.values()) {
      if (wanted.has(connection)) continue;
      this.#connections.delete(connection.address);
      this.#ejections.forget(connection.address);
      this.#draining.add(connection);
      this.#closeDrained(connection);
    }
  }

  #connectionTo(address: Address): Connection {
    let connection = this.#connections.get(address);
    if (!connection) {
      const { credentials, name } = this.#options;
      const options = { ...CLIENT_OPTIONS, ...(name && { 'grpc.ssl_target_name_override': name }) };
      connection = { address, client: new Client(address, credentials, options), calls: 0 };
      connection.client.getChannel().getConnectivityState(true);
      this.#connections.set(address, connection);
    }
    return connection;
  }

  #closeDrained(connection: Connection): void {
    if (connection.calls === 0 && this.#draining.delete(connection)) connection.client.close();
  }
}
