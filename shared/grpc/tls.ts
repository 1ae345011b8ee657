/** TLS of the gRPC door: 1.2 and up, client certificates asked for where clients are known by them. */
import { type ChannelCredentials, credentials, experimental, ServerCredentials } from '@grpc/grpc-js';
import type { ClientIdentities } from './identities.ts';

type Pem = string | Buffer;

export interface ServerTls {
  cert: Pem;
  key: Pem;
  /** Clients that may come with a certificate of this authority instead of a service token. */
  clients?: { ca: Pem; identities: ClientIdentities };
}

/** Own certificate and key only where the server asks for one. */
export interface ClientTls {
  ca?: Pem;
  cert?: Pem;
  key?: Pem;
}

// grpc-js looks at what it is told only after it has begun to listen to us
const constant = (ca: Buffer, certificate: Buffer, privateKey: Buffer): experimental.CertificateProvider => ({
  addCaCertificateListener: (listener) => queueMicrotask(() => listener({ caCertificate: ca })),
  removeCaCertificateListener: () => {},
  addIdentityCertificateListener: (listener) => queueMicrotask(() => listener({ certificate, privateKey })),
  removeIdentityCertificateListener: () => {},
});

export const serverCredentials = (tls: ServerTls | undefined): ServerCredentials => {
  if (!tls) return ServerCredentials.createInsecure();
  const [cert, key] = [Buffer.from(tls.cert), Buffer.from(tls.key)];
  if (!tls.clients) return ServerCredentials.createSsl(null, [{ cert_chain: cert, private_key: key }]);
  const provider = constant(Buffer.from(tls.clients.ca), cert, key);
  // asks for a certificate without demanding one: a service token serves as well. grpc-js offers this only here
  return experimental.createCertificateProviderServerCredentials(provider, provider, false);
};

export const channelCredentials = (tls: ClientTls | undefined): ChannelCredentials => {
  if (!tls) return credentials.createInsecure();
  const pem = (value: Pem | undefined) => (value === undefined ? null : Buffer.from(value));
  return credentials.createSsl(pem(tls.ca), pem(tls.key), pem(tls.cert));
};
