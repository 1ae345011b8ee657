import type { Server } from 'node:net';
import { StartError } from '../config/start-error.ts';

/**
 * Listens, or says what to do about it.
 *
 * @param variable the environment variable that chooses this port
 * @throws StartError when the port is taken or may not be opened
 */
export const listening = (server: Server, at: { host: string; port: number }, variable: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      if (error.code === 'EADDRINUSE') {
        reject(new StartError(`port ${at.port} is taken: set ${variable} to another`));
      } else if (error.code === 'EACCES') {
        reject(new StartError(`port ${at.port} may not be opened: set ${variable} to one above 1023`));
      } else if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
        reject(new StartError(`${at.host} is no address of this machine: listen on 127.0.0.1 or 0.0.0.0`));
      } else reject(error);
    };
    server.once('error', failed);
    server.listen({ host: at.host, port: at.port, backlog: 4_096 }, () => {
      server.off('error', failed);
      resolve();
    });
  });

/** Where a port on this address is reached from this machine: `localhost:80`, `[::1]:80`. */
export const placeAt = (host: string, port: number): string => {
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `${name}:${port}`;
};
