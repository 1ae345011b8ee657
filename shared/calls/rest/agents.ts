/** Connections over HTTP, kept open: not more than a client may hold, in all and of one host. */
import { Agent as Plain } from 'node:http';
import { type AgentOptions, Agent as Secure } from 'node:https';
import type { ClientTls } from '../../grpc/tls.ts';

/** The numbers of the contract, section 5. */
const SOCKETS = { maxTotalSockets: 100, maxSockets: 20, maxFreeSockets: 20 } as const;

export interface Agents {
  of(protocol: string): Plain;
  close(): void;
}

/** One pool for plain text and one for TLS: a program speaks one of them to its services. */
export const agents = (tls: ClientTls = {}): Agents => {
  const { ca, cert, key, name } = tls;
  const options: AgentOptions = { keepAlive: true, keepAliveMsecs: 10_000, scheduling: 'lifo', ...SOCKETS };
  const plain = new Plain(options);
  const secure = new Secure({ ...options, ca, cert, key, minVersion: 'TLSv1.2', ...(name && { servername: name }) });
  return {
    of: (protocol) => (protocol === 'https:' ? secure : plain),
    close: () => {
      plain.destroy();
      secure.destroy();
    },
  };
};
