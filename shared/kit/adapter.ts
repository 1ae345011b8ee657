/** An adapter stands behind a port. It says what it needs itself, so that environment and IAM follow from the table. */
import type { Config } from '../config/config.ts';
import type { PortName, Ports } from '../ports/index.ts';
import type { Collection } from '../ports/store.ts';

/** An IAM statement of an adapter, in CloudFormation's terms; the generator scopes the store's by collection. */
export interface IamStatement {
  actions: readonly string[];
  /** CloudFormation value: an ARN string or an intrinsic function. */
  resource?: unknown;
  /** In place of it: everything but this, where what is meant has no ARN. */
  but?: unknown;
}

export interface Adapter<P extends PortName = PortName, D extends PortName = PortName> {
  readonly port: P;
  readonly needs: readonly D[];
  /** Names of environment variables that it reads through Config. */
  readonly env: readonly string[];
  readonly iam?: readonly IamStatement[];
  /** Collections that it reads through the port `store`. */
  readonly reads?: readonly Collection<string, any>[];
  /** The lists that it reads there: `<collection>.<index>`. */
  readonly queries?: readonly string[];
  open(dependencies: Pick<Ports, D>, config: Config): Promise<Opened<Ports[P]>> | Opened<Ports[P]>;
}

/** A port and, if there is something to release, how. */
export type Opened<T> = { port: T; close?: () => Promise<void> };

/** Declares an adapter. @example adapter({ port: 'clock', open: () => ({ port: systemClock }) }) */
export const adapter = <P extends PortName, const D extends PortName = never>(definition: {
  port: P;
  needs?: readonly D[];
  env?: readonly string[];
  iam?: readonly IamStatement[];
  reads?: readonly Collection<string, any>[];
  queries?: readonly string[];
  open(dependencies: Pick<Ports, D>, config: Config): Promise<Opened<Ports[P]>> | Opened<Ports[P]>;
}): Adapter<P, any> => ({ needs: [], env: [], ...definition }) as Adapter<P, any>;

/** Opens ports on demand, each once, with what it needs; closes them in reverse. */
export class Assembly {
  readonly #adapters: Map<PortName, Adapter>;
  readonly #config: Config;
  readonly #open = new Map<PortName, Promise<Opened<any>>>();
  readonly #closers: (() => Promise<void>)[] = [];

  constructor(adapters: readonly Adapter<any, any>[], config: Config) {
    this.#adapters = new Map(adapters.map((each) => [each.port, each]));
    this.#config = config;
  }

  /** The port, opened. */
  async get<P extends PortName>(name: P): Promise<Ports[P]> {
    let opening = this.#open.get(name);
    if (!opening) {
      opening = this.#openOne(name);
      this.#open.set(name, opening);
    }
    return (await opening).port;
  }

  /** All that were opened, closed in reverse order. */
  async close(): Promise<void> {
    for (const close of this.#closers.reverse()) await close();
    this.#closers.length = 0;
    this.#open.clear();
  }

  async #openOne(name: PortName): Promise<Opened<any>> {
    const found = this.#adapters.get(name);
    if (!found) throw new Error(`no adapter for port ${name}`);
    const dependencies: Record<string, unknown> = {};
    await Promise.all(
      found.needs.map(async (need) => {
        dependencies[need] = await this.get(need);
      }),
    );
    const opened = await found.open(dependencies as any, this.#config);
    if (opened.close) this.#closers.push(opened.close);
    return opened;
  }
}
