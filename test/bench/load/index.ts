/** The program that puts load on a server, in a process of its own. */
import { type Core, type Program, serve, start } from '../processes.ts';
import { closed, type Outcome, open, type Wire } from './engine.ts';
import { grpcWire } from './grpc-wire.ts';
import { httpWire } from './http-wire.ts';

export type { Outcome } from './engine.ts';

/** What to send where, and how. Requests and messages are base64. */
export interface Order {
  port: number;
  connections: number;
  wire: { http: string[]; expected: string } | { grpc: string[]; path: string; authorization?: string };
  load: { in_flight: number; seconds: number } | { per_second: number; seconds: number };
  /** This process may sleep between answers: for servers that may use its core, too. */
  asleep?: boolean;
}

const bytes = (texts: readonly string[]): Buffer[] => texts.map((each) => Buffer.from(each, 'base64'));

const wireOf = ({ port, connections, wire }: Order): Promise<Wire> =>
  'http' in wire
    ? httpWire(port, connections, bytes(wire.http), wire.expected)
    : grpcWire(port, connections, wire.path, bytes(wire.grpc), wire.authorization);

const perform = async (order: Order): Promise<Outcome> => {
  const wire = await wireOf(order);
  const { load, asleep = false } = order;
  try {
    if ('in_flight' in load) return await closed(wire, load.in_flight, load.seconds, !asleep);
    return await open(wire, load.per_second, load.seconds);
  } finally {
    wire.close();
  }
};

export interface Load {
  /** Carries out all orders at once. @throws Error when an answer was not right */
  put(...orders: Order[]): Promise<Outcome[]>;
  program: Program;
}

/** Starts it. @example const load = startLoad(1); const [outcome] = await load.put(order); */
export const startLoad = (core: Core): Load => {
  const program = start('test/bench/load/index.ts', { core });
  return {
    program,
    put: async (...orders) => {
      const outcomes = await program.ask<Outcome[]>(orders);
      const wrong = outcomes.find(({ failed }) => failed > 0);
      if (wrong) throw new Error(`${wrong.failed} answers were not right`);
      return outcomes;
    },
  };
};

if (import.meta.main) serve((orders: Order[]) => Promise.all(orders.map(perform)));
