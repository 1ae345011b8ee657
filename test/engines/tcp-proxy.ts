/** A wire to a server of this machine that a test can cut at any moment, as a power cut of one side would. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface TcpProxy {
  port: number;
  /** Ends all connections at once and takes no new ones. */
  cut(): void;
  close(): Promise<void>;
}

/**
 * Starts a proxy to a port. `pass` is asked before each piece of data, of either direction, is handed on; what comes
 * after it said no is dropped. `at`: its own port, any when left out.
 */
export const startTcpProxy = async (port: number, pass: () => boolean = () => true, at = 0): Promise<TcpProxy> => {
  const sockets = new Set<Socket>();
  let whole = true;
  const join = (from: Socket, to: Socket): void => {
    from.setNoDelay(true);
    sockets.add(from);
    from.on('data', (piece) => whole && pass() && whole && to.write(piece));
    from.on('error', () => {});
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
  };
  const server = createServer((client) => {
    if (!whole) return client.destroy();
    const upstream = connect(port, '127.0.0.1');
    join(client, upstream);
    join(upstream, client);
  });
  await new Promise<void>((ready) => server.listen(at, '127.0.0.1', ready));
  const cut = (): void => {
    whole = false;
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    close: async () => {
      cut();
      await new Promise((closed) => server.close(closed));
    },
  };
};
