/** Who may call an RPC: a service, by its token or its client certificate; on loopback also anybody, where the contract says so. */
import { isIPv4 } from 'node:net';
import type { PeerCertificate } from 'node:tls';
import type { Metadata } from '@grpc/grpc-js';
import type { ClientIdentities, ClientIdentity } from '../../grpc/identities.ts';
import type { Caller } from '../../kit/context.ts';
import { AppError } from '../../kit/errors.ts';
import type { Ports } from '../../ports/index.ts';
import { authenticate } from '../binding/caller.ts';

/** What the kinds of calls of grpc-js have in common. */
export interface AnyCall {
  metadata: Metadata;
  getPeer(): string;
  getAuthContext(): { sslPeerCertificate?: PeerCertificate };
}

/** The address of a peer as grpc-js names it (`127.0.0.1:4711`, `::1:4711`), without its port. */
export const ipOf = (peer: string): string => {
  const ip = peer.slice(0, peer.lastIndexOf(':'));
  return ip.startsWith('::ffff:') && isIPv4(ip.slice(7)) ? ip.slice(7) : ip;
};

export const isLoopback = (ip: string): boolean => ip === '::1' || (ip.startsWith('127.') && isIPv4(ip));

const identityOf = (certificate: PeerCertificate, identities: ClientIdentities): ClientIdentity | undefined => {
  const names = certificate.subjectaltname ?? '';
  // quotes appear only where a name holds a separator; such a name could pose as another one
  if (names.includes('"')) return undefined;
  for (const name of names.split(', ')) if (Object.hasOwn(identities, name)) return identities[name];
  return undefined;
};

/** What a call presents, unjudged. @throws AppError `unauthenticated` for two of them */
export const presented = ({ metadata }: Pick<AnyCall, 'metadata'>): string | undefined => {
  const headers = metadata.get('authorization');
  if (headers.length > 1) throw new AppError('unauthenticated', { detail: 'Send one authorization' });
  return headers.length === 0 ? undefined : (/^Bearer +([\x21-\x7e]+)$/i.exec(String(headers[0]))?.[1] ?? '');
};

const forbidden = (detail: string) => new AppError('forbidden', { detail });

/**
 * The service that calls.
 *
 * @throws AppError `unauthenticated` without a valid credential, `forbidden` for a user's token or an unknown
 * certificate, `unavailable` when the credential can't be judged now
 */
export const serviceCaller = async (
  ports: Pick<Ports, 'verifier' | 'serviceTokens'>,
  call: AnyCall,
  identities: ClientIdentities,
): Promise<{ caller: Caller & { kind: 'service' }; bearer?: string }> => {
  const headers = call.metadata.get('authorization');
  if (headers.length > 1) throw new AppError('unauthenticated', { detail: 'Send one authorization' });
  if (headers.length === 1) {
    const { caller, bearer } = await authenticate(ports, String(headers[0]));
    if (caller.kind !== 'service') throw forbidden('RPCs are for services: use a service token');
    return { caller, bearer };
  }
  const certificate = call.getAuthContext().sslPeerCertificate;
  if (!certificate) throw new AppError('unauthenticated', { detail: 'Send authorization: Bearer <service token>' });
  const identity = identityOf(certificate, identities);
  if (!identity) throw forbidden('The client certificate names no known service');
  return { caller: { kind: 'service', ...identity } };
};
