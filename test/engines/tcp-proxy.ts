/** A wire to a server of this machine that a test can cut at any moment, as a power cut of one side would. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface TcpProxy {
  port: number;
  /** Ends all connections at once and takes no new ones. */
  cut(): void;
  /** Ends all connections at once; new ones work. */
  breakAll(): void;
  close(): Promise<void>;
}

/**
 * Starts a proxy to a port. `pass` is asked before each piece of data, of either direction, is handed on; where it says
 * no the piece is dropped. `at`: its own port, any when left out.
 */
export const startTcpProxy = async (
  port: number,
  pass: (from: 'client' | 'server') => boolean = () => true,
  at = 0,
): Promise<TcpProxy> => {
  const sockets = new Set<Socket>();
  let whole = true;
  const join = (from: Socket, to: Socket, side: 'client' | 'server'): void => {
    from.setNoDelay(true);
    sockets.add(from);
    from.on('data', (piece) => whole && pass(side) && whole && to.write(piece));
    from.on('error', () => {});
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
  };
  const server = createServer((client) => {
    if (!whole) return client.destroy();
    const upstream = connect(port, '127.0.0.1');
    join(client, upstream, 'client');
    join(upstream, client, 'server');
  });
  await new Promise<void>((ready) => server.listen(at, '127.0.0.1', ready));
  const breakAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const cut = (): void => {
    whole = false;
    breakAll();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    breakAll,
    close: async () => {
      cut();
      await new Promise((closed) => server.close(closed));
    },
  };
};
