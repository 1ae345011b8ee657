/** The port: one listener for HTTP/1.1 and HTTP/2, in the clear (told apart by their first bytes) or over TLS (by ALPN). */
import type { Server as Http1Server } from 'node:http';
import { constants, type Http2Server, type ServerHttp2Session } from 'node:http2';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { listening } from '../../system/listening.ts';
import type { Live } from '../../system/live.ts';
import type { HttpLimits } from './limits.ts';
import { sniff } from './sniff.ts';

export interface Front {
  readonly port: number;
  /** Stops accepting, lets requests in flight finish for `drain_ms`, then closes what is left. */
  stop(): Promise<void>;
}

/** A certificate and its key, as PEM. */
export interface Pems {
  cert: string | Buffer;
  key: string | Buffer;
}

interface FrontOptions {
  host: string;
  port: number;
  /** The environment variable that chooses the port, for the operator's message. */
  variable: string;
  tls?: Live<Pems>;
  limits: HttpLimits;
  h1: Http1Server;
  h2: Http2Server;
  onConnection(socket: Socket): void;
}

const listenerOf = ({ tls, limits, h1, h2 }: FrontOptions): Server => {
  if (!tls) {
    return createServer({ noDelay: true, allowHalfOpen: true }, (socket) =>
      sniff(socket, limits.headers_ms, (protocol) => (protocol === 'h2' ? h2 : h1).emit('connection', socket)),
    );
  }
  const contextOf = ({ cert, key }: Pems) => ({ cert, key, minVersion: 'TLSv1.2' as const });
  const options = {
    ...contextOf(tls.now),
    ALPNProtocols: ['h2', 'http/1.1'],
    handshakeTimeout: limits.headers_ms,
    noDelay: true,
  };
  const secure = createTlsServer(options, (socket: TLSSocket) =>
    (socket.alpnProtocol === 'h2' ? h2 : h1).emit('connection', socket),
  );
  const unfollow = tls.onChange((now) => secure.setSecureContext(contextOf(now)));
  secure.once('close', unfollow);
  return secure.on('tlsClientError', (_, socket) => socket.destroy());
};

/**
 * Opens the port and hands each connection to the HTTP server that speaks its protocol.
 *
 * @throws StartError when the port is taken
 */
export const openFront = async (options: FrontOptions): Promise<Front> => {
  const { limits, h1, h2, onConnection } = options;
  const server = listenerOf(options);
  server.maxConnections = limits.connections;
  const sockets = new Set<Socket>();
  const sessions = new Set<ServerHttp2Session>();

  // one for all: ten thousand sockets would hold as many
  const closed = function (this: Socket): void {
    sockets.delete(this);
  };
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    onConnection(socket);
    socket.on('close', closed);
  });
  h2.on('session', (session) => {
    sessions.add(session);
    session.setTimeout(limits.idle_ms, () => session.close());
    session.once('close', () => sessions.delete(session));
  });

  await listening(server, options, options.variable);
  // an HTTP server looks for late requests from its own `listening` on; ours never listens itself
  h1.emit('listening');

  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      const late = setTimeout(() => {
        for (const session of sessions) session.destroy(undefined, constants.NGHTTP2_CANCEL);
        for (const socket of sockets) socket.destroy();
      }, limits.drain_ms);
      server.close(() => {
        clearTimeout(late);
        // stops the look-out for late requests; "not running" is what it says of itself, having never listened
        h1.close(() => resolve());
      });
      h1.closeIdleConnections();
      for (const session of sessions) session.close();
    });
  return { port: (server.address() as AddressInfo).port, stop };
};
