/** `grpc.health.v1`: whether this process can serve, as a whole and service by service. */
import type { Server } from '@grpc/grpc-js';
import type { HealthImplementation } from 'grpc-health-check';
import { added, SERVER_STREAM, serveLater, UNARY } from './later.ts';

/** How often readiness is looked at for those who watch. */
const WATCH_MS = 5_000;

export interface Health {
  /** Says NOT_SERVING from now on. */
  drain(): void;
  close(): void;
}

/**
 * Serves health on a server.
 *
 * @param names the gRPC services that are served; the whole is the empty name
 * @param ready whether the engines answer; a rejection is a no. Asked at each check and, for watchers, every 5 s
 */
export const serveHealth = (server: Server, names: readonly string[], ready: () => Promise<unknown>): Health => {
  let health: HealthImplementation | undefined;
  let draining = false;
  let last: boolean | undefined;
  const show = (serving: boolean) => {
    if (serving === last) return;
    last = serving;
    tell();
  };
  const tell = () => {
    for (const name of ['', ...names]) health?.setStatus(name, last ? 'SERVING' : 'NOT_SERVING');
  };
  let looking: Promise<void> | undefined;
  // checks that come together share one look
  const look = (): Promise<void> => {
    looking ??= Promise.resolve()
      .then(ready)
      .then(
        (answer) => answer !== false,
        () => false,
      )
      .then((serving) => {
        looking = undefined;
        show(serving && !draining);
      });
    return looking;
  };
  show(false);
  void look();
  const timer = setInterval(look, WATCH_MS).unref();

  type Unary = (call: unknown, respond: unknown) => void;
  const fresh =
    (method: Unary): Unary =>
    (call, respond) =>
      void look().then(() => method(call, respond));
  const methods = { Check: UNARY, Watch: SERVER_STREAM, List: UNARY };
  serveLater(server, 'grpc.health.v1.Health', methods, async () => {
    // reading its proto file takes longer than most of a start
    const library = await import('grpc-health-check');
    const served = new library.HealthImplementation();
    health = served;
    tell();
    return added((taker) => served.addToServer(taker)).map(({ definition, methods: { check, watch, list } }) => ({
      definition,
      methods: { check: fresh(check as Unary), watch: watch!, list: fresh(list as Unary) },
    }));
  });
  return {
    drain: () => {
      draining = true;
      show(false);
    },
    close: () => clearInterval(timer),
  };
};
