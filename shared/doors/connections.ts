/** How many connections are open: `perfect21_active_connections{service}`, over all doors of a process. */
import type { Socket } from 'node:net';
import type { Service } from '../kit/service.ts';
import { serviceName } from '../kit/service-name.ts';
import type { Metrics } from '../ports/metrics.ts';

/** What a request came on and ends by itself: a socket of HTTP/1.1, a session of HTTP/2. */
interface Carrier {
  readonly destroyed: boolean;
  once(event: 'close', listener: () => void): unknown;
}

/** The connections of one door. */
export interface Connections {
  /** A connection was taken: it counts until it is closed. */
  opened(socket: Socket): void;
  /** A request for a service came: its connection counts for that one now. */
  asks(carrier: Carrier | undefined, service: string): void;
}

/** One tally for a process: what several doors have open for a service is one series. */
const tallies = new WeakMap<Metrics, Map<string, { labels: { service: string }; open: number }>>();

/** The process by its one service; `perfect21` where it runs several. */
export const processName = (services: readonly Service[]): string =>
  services.length === 1 ? serviceName(services[0]!.name) : 'perfect21';

/**
 * Counts the connections of a door. Each counts once, so the sum over the series is what is open: for the service that it
 * asked last; before it has asked for anything, for the process (see `processName`).
 *
 * @example const connections = countConnections(metrics, services); server.on('connection', connections.opened);
 */
export const countConnections = (metrics: Metrics, services: readonly Service[]): Connections => {
  const tally = tallies.get(metrics) ?? new Map();
  tallies.set(metrics, tally);
  const add = (service: string, by: number): void => {
    let series = tally.get(service);
    if (!series) {
      series = { labels: Object.freeze({ service }), open: 0 };
      tally.set(service, series);
    }
    series.open += by;
    // a session tells of its end after its socket did
    metrics.gauge('perfect21_active_connections', series.labels, Math.max(0, series.open));
  };

  const home = processName(services);
  const last = new WeakMap<Carrier, string>();
  const move = (carrier: Carrier, from: string | undefined, to: string): void => {
    last.set(carrier, to);
    if (from === undefined) {
      carrier.once('close', () => {
        add(last.get(carrier)!, -1);
        add(home, 1);
      });
    }
    add(from ?? home, -1);
    add(to, 1);
  };

  add(home, 0);
  const closed = (): void => add(home, -1);
  return {
    opened: (socket) => {
      add(home, 1);
      socket.on('close', closed);
    },
    asks: (carrier, service) => {
      if (!carrier || carrier.destroyed) return;
      const from = last.get(carrier);
      if ((from ?? home) !== service) move(carrier, from, service);
    },
  };
};
