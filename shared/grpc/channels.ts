/** Connections to the instances of other services: one per address, taken in turn. */
import { type ChannelCredentials, Client, connectivityState } from '@grpc/grpc-js';
import { AppError } from '../errors.ts';
import { CLIENT_OPTIONS } from './limits.ts';

/** The addresses (`host:port`) of a service. */
export type Resolve = (service: string) => readonly string[];

export class Channels {
  readonly #resolve: Resolve;
  readonly #credentials: ChannelCredentials;
  readonly #clients = new Map<string, Client>();
  readonly #turns = new Map<string, number>();

  constructor(resolve: Resolve, credentials: ChannelCredentials) {
    this.#resolve = resolve;
    this.#credentials = credentials;
  }

  /** The next instance of a service. Throws AppError `unavailable` when none is known. */
  next(service: string): Client {
    const addresses = this.#resolve(service);
    const turn = this.#turns.get(service) ?? 0;
    this.#turns.set(service, turn + 1);
    const address = addresses[turn % addresses.length];
    if (address === undefined) {
      throw new AppError('unavailable', { cause: new Error(`no address of the service ${service} is known`) });
    }
    let client = this.#clients.get(address);
    if (!client) {
      client = new Client(address, this.#credentials, CLIENT_OPTIONS);
      this.#clients.set(address, client);
    }
    return client;
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }
}

/** Whether there is a connection, or one can be made before `until` (unix ms). No: nothing was sent. */
export const connected = (client: Client, until: number): Promise<boolean> =>
  new Promise((resolve) => {
    const channel = client.getChannel();
    const look = () => {
      const state = channel.getConnectivityState(true);
      if (state === connectivityState.READY) resolve(true);
      else if (state === connectivityState.IDLE || state === connectivityState.CONNECTING) {
        channel.watchConnectivityState(state, until, (error) => (error ? resolve(false) : look()));
      } else resolve(false);
    };
    look();
  });
