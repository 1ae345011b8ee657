/** `PERFECT21_TLS_…`: how the ports speak TLS, and how services that run apart know each other. Paths of PEM files. */
import type { Environment } from './environment.ts';
import { StartError } from './start-error.ts';

export interface TlsConfig {
  /** Of the ports, and what this process shows to other services. */
  cert?: string;
  key?: string;
  /** Authorities of other services and of clients; those of the system when left out. */
  ca?: string;
  /** A JSON file of the services that are known by their certificates. */
  clients?: string;
  /** Nobody without a certificate of `ca` is talked to over gRPC. */
  required: boolean;
  /** What the certificates of other services are issued to, in place of the addresses where they are called. */
  peer_name?: string;
}

export const tlsOf = (env: Environment): TlsConfig | undefined => {
  const {
    PERFECT21_TLS_CERT: cert,
    PERFECT21_TLS_KEY: key,
    PERFECT21_TLS_CA: ca,
    PERFECT21_TLS_CLIENTS: clients,
  } = env;
  const required = env.PERFECT21_TLS_CLIENT_AUTH === 'require';
  if (!!cert !== !!key)
    throw new StartError('PERFECT21_TLS_CERT and PERFECT21_TLS_KEY belong together: set both or neither');
  if ((clients || required) && !(ca && cert))
    throw new StartError(
      `${clients ? 'PERFECT21_TLS_CLIENTS' : 'PERFECT21_TLS_CLIENT_AUTH=require'} needs PERFECT21_TLS_CERT, PERFECT21_TLS_KEY, and PERFECT21_TLS_CA, which signed the certificates of clients`,
    );
  if (!cert && !ca) return undefined;
  const { PERFECT21_TLS_PEER_NAME: peerName } = env;
  return {
    ...(cert && { cert, key: key! }),
    ...(ca && { ca }),
    ...(clients && { clients }),
    required,
    ...(peerName && { peer_name: peerName }),
  };
};
