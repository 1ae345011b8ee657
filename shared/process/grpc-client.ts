/** What `perfect21/grpc` is: clients of the platform for other programs, and how they are configured by the environment. */
import { randomBytes, randomUUID } from 'node:crypto';
import { type ConnectOptions, connect, type Perfect21 } from '../calls/clients/connect.ts';
import { openDiscovery } from '../calls/discovery/open.ts';
import { policy } from '../calls/discovery/policies.ts';
import { discoveryOf } from '../config/discovery.ts';
import { readEnvironment } from '../config/environment.ts';
import { tlsOf } from '../config/tls.ts';
import type { Log } from '../ports/log.ts';
import { openCertificates } from './tls.ts';

export { type ConnectOptions, connect, type Perfect21 } from '../calls/clients/connect.ts';
export type { CallOptions } from '../calls/clients/methods.ts';
export { onward } from '../calls/clients/onward.ts';
export type { Address, Discovery, Instance } from '../calls/discovery/discovery.ts';
export { consistentHash, leastConnections, type Policy, randomly, roundRobin } from '../calls/discovery/policies.ts';
export { StartError } from '../config/start-error.ts';
export { AppError, type ErrorCode } from '../kit/errors.ts';

const nothing = (): void => {};
const SILENT: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/**
 * Connects as the environment says: `DISCOVERY_URL`, `DISCOVERY_POLICY`, `DISCOVERY_ZONE`, `PERFECT21_SERVICE_TOKEN`, and for TLS
 * and mTLS `PERFECT21_TLS_CA`, `_CERT`, `_KEY` and `_PEER_NAME`, whose files may be replaced while the program runs.
 *
 * @param log hears codes and fields, e.g. `discovery.away`; nobody does when left out
 * @throws StartError with one line that says what to do
 * @example
 * const perfect21 = await connectFromEnvironment(process.env);
 * const { allowed } = await perfect21.permissions.checkPermission({ user_id, resource: 'docs', action: 'read' });
 */
export const connectFromEnvironment = async (
  source: NodeJS.ProcessEnv = process.env,
  options: Omit<ConnectOptions, 'discovery'> & { log?: Log } = {},
): Promise<Perfect21> => {
  const { log = SILENT, ...rest } = options;
  const env = readEnvironment(source);
  const tls = tlsOf(env);
  const ports = {
    clock: { now: Date.now },
    ids: { uuid: randomUUID, random: (bytes = 32) => randomBytes(bytes).toString('base64url') },
    log,
    metrics: { count: nothing, observe: nothing, gauge: nothing },
  };
  const certificates = tls && (await openCertificates(tls, log));
  const discovery = await openDiscovery(discoveryOf(env), ports);
  const client = connect({
    ...(env.PERFECT21_SERVICE_TOKEN && { token: env.PERFECT21_SERVICE_TOKEN }),
    ...(certificates && { tls: certificates.client }),
    ...(env.DISCOVERY_ZONE && { zone: env.DISCOVERY_ZONE }),
    policy: () => policy(env.DISCOVERY_POLICY, Math.random),
    ...rest,
    discovery,
  });
  const close = (): void => {
    client.close();
    void discovery.close();
    certificates?.close();
  };
  return { ...client, close };
};
