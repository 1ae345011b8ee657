/** The certificates of a process: read at the start, and again when somebody replaces them. */
import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { StartError } from '../config/start-error.ts';
import type { TlsConfig } from '../config/tls.ts';
import { type ClientIdentities, parseIdentities } from '../grpc/identities.ts';
import type { ClientTls, ServerTls } from '../grpc/tls.ts';
import type { Log } from '../ports/log.ts';
import { derived, type Live } from '../system/live.ts';
import { watchFiles } from '../system/watched-files.ts';

interface Material {
  own?: { cert: string; key: string };
  ca?: string;
  identities?: ClientIdentities;
}

export interface Certificates {
  /** For the ports; none without a certificate of our own. */
  server?: Live<ServerTls>;
  /** For calls to other services. */
  client: Live<ClientTls>;
  close(): void;
}

type Variable = `PERFECT21_TLS_${'CERT' | 'KEY' | 'CA' | 'CLIENTS'}`;

const orRefuse = <T>(work: () => T, refusal: string): T => {
  try {
    return work();
  } catch (cause) {
    throw new StartError(refusal, { cause });
  }
};

const materialOf = (texts: Partial<Record<Variable, string>>): Material => {
  const {
    PERFECT21_TLS_CERT: cert,
    PERFECT21_TLS_KEY: key,
    PERFECT21_TLS_CA: ca,
    PERFECT21_TLS_CLIENTS: clients,
  } = texts;
  const own = cert === undefined || key === undefined ? undefined : { cert, key };
  // a text without a certificate would be passed over without a word
  const judged = () => own && [new X509Certificate(own.cert), createSecureContext(own)];
  orRefuse(judged, 'PERFECT21_TLS_CERT and PERFECT21_TLS_KEY are not a PEM certificate and its key');
  if (ca !== undefined) orRefuse(() => new X509Certificate(ca), 'PERFECT21_TLS_CA holds no PEM certificate');
  return {
    ...(own && { own }),
    ...(ca !== undefined && { ca }),
    ...(clients !== undefined && { identities: parseIdentities(clients) }),
  };
};

/** @throws StartError when a file can't be read or used */
export const openCertificates = async (tls: TlsConfig, log: Log): Promise<Certificates> => {
  const files = await watchFiles({
    paths: {
      PERFECT21_TLS_CERT: tls.cert,
      PERFECT21_TLS_KEY: tls.key,
      PERFECT21_TLS_CA: tls.ca,
      PERFECT21_TLS_CLIENTS: tls.clients,
    } as Record<Variable, string | undefined>,
    make: materialOf,
    kept: (cause) => log.warn('tls.kept', { detail: 'what was read before stays in use', cause }),
  });
  files.onChange(() => log.info('tls.replaced'));
  const asks = tls.clients !== undefined || tls.required;
  return {
    ...(tls.cert && {
      server: derived(files, ({ own, ca, identities = {} }) => ({
        ...own!,
        ...(asks && { clients: { ca: ca!, identities, required: tls.required } }),
      })),
    }),
    client: derived(files, ({ own, ca }) => ({
      ...own,
      ...(ca && { ca }),
      ...(tls.peer_name && { name: tls.peer_name }),
    })),
    close: files.close,
  };
};
