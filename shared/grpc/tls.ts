/** TLS of the gRPC door: 1.2 and up, client certificates asked for where clients are known by them. */
import { type ChannelCredentials, credentials, experimental, ServerCredentials } from '@grpc/grpc-js';
import { derived, type Live } from '../system/live.ts';
import type { ClientIdentities } from './identities.ts';

type Pem = string | Buffer;

export interface ServerTls {
  cert: Pem;
  key: Pem;
  /** Clients that may come with a certificate of this authority instead of a service token; `required`: all have to. */
  clients?: { ca: Pem; identities: ClientIdentities; required?: boolean };
}

/** Own certificate and key only where the server asks for one; the authorities of the system when `ca` is left out. */
export interface ClientTls {
  ca?: Pem;
  cert?: Pem;
  key?: Pem;
  /** What the server's certificate has to be issued to, in place of the address that is called. */
  name?: string;
}

interface Material {
  ca?: Pem;
  cert?: Pem;
  key?: Pem;
}

/** Tells grpc-js what is in use, and of each replacement: connections made from then on go by it. */
const providerOf = (material: Live<Material>): experimental.CertificateProvider => {
  const stops = new Map<unknown, () => void>();
  const follow = (listener: any, updateOf: (now: Material) => unknown): void => {
    stops.set(
      listener,
      material.onChange((now) => listener(updateOf(now))),
    );
    // grpc-js looks at what it is told only after it has begun to listen to us
    queueMicrotask(() => listener(updateOf(material.now)));
  };
  const unfollow = (listener: unknown): void => {
    stops.get(listener)?.();
    stops.delete(listener);
  };
  return {
    addCaCertificateListener: (listener) =>
      follow(listener, ({ ca }) => ({ caCertificate: ca === undefined ? undefined : Buffer.from(ca) })),
    removeCaCertificateListener: unfollow,
    addIdentityCertificateListener: (listener) =>
      follow(listener, ({ cert, key }) => ({ certificate: Buffer.from(cert!), privateKey: Buffer.from(key!) })),
    removeIdentityCertificateListener: unfollow,
  };
};

export const serverCredentials = (tls: Live<ServerTls> | undefined): ServerCredentials => {
  if (!tls) return ServerCredentials.createInsecure();
  const { clients } = tls.now;
  const provider = providerOf(
    derived(tls, ({ cert, key, clients }) => ({ cert, key, ...(clients && { ca: clients.ca }) })),
  );
  // unless required, asks for a certificate without demanding one: a service token serves as well
  return experimental.createCertificateProviderServerCredentials(
    provider,
    clients ? provider : null,
    clients?.required ?? false,
  );
};

export const channelCredentials = (tls: Live<ClientTls> | undefined): ChannelCredentials => {
  if (!tls) return credentials.createInsecure();
  const provider = providerOf(tls);
  return experimental.createCertificateProviderChannelCredentials(provider, tls.now.cert ? provider : null);
};
