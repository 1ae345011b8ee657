/** The five services and a sidecar as processes that find each other by one kind of discovery. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SERVICE_NAMES, type ServiceName } from '../../../shared/config/services.ts';
import type { DevCredentials } from '../dev-credentials.ts';
import { startFront } from './front.ts';
import { discoveryBy, type Kind, type Layout, type Registries } from './layout.ts';
import { type Program, startProgram } from './processes.ts';

const SERVICE = 'infra/local/start.mjs';
const SIDECAR = 'infra/sidecar/start.mjs';

export interface Ground {
  layout: Layout;
  registries: Registries;
  /** What all share: where each has its own is nobody's. */
  shared: { store: string; bus: string; secret: string; dataDir: string };
  /** More for each process, e.g. `LOG_LEVEL`. */
  env?: Readonly<Record<string, string>>;
}

export interface Deployment {
  kind: Kind;
  /** One address for callers. */
  url: string;
  credentials: DevCredentials;
  programs: Readonly<Record<ServiceName | 'sidecar', Program>>;
  /** Starts a service again that ended. */
  restart(service: ServiceName): Promise<void>;
  /** Lets all finish what is in flight, callers first: the sidecar and auth before those whom they call. */
  stop(): Promise<void>;
}

/**
 * Starts them, users first: who starts last of users and permissions completes the administrator.
 *
 * @throws Error with what a process said that did not start; nothing stays then
 * @example const deployment = await startDeployment('consul', ground); … await deployment.stop();
 */
export const startDeployment = async (kind: Kind, { layout, registries, shared, env }: Ground): Promise<Deployment> => {
  const url = `http://127.0.0.1:${layout.front}`;
  const programs: Partial<Record<ServiceName | 'sidecar', Program>> = {};
  const common = {
    PERFECT21_DATA_DIR: shared.dataDir,
    PERFECT21_SECRET: shared.secret,
    PERFECT21_PUBLIC_URL: url,
    PERFECT21_TRUSTED_PROXIES: '127.0.0.1',
    STORE_URL: shared.store,
    BUS_URL: shared.bus,
    PERFECT21_MAILBOX_PORT: String(layout.mailbox),
    PERFECT21_SMTP_PORT: String(layout.smtp),
    ...discoveryBy(kind, layout, registries),
    ...env,
  };
  const portsAs = ({ http, grpc, metrics }: Layout['sidecar']) => ({
    PERFECT21_HTTP_PORT: String(http),
    PERFECT21_GRPC_PORT: String(grpc),
    PERFECT21_METRICS_PORT: String(metrics),
  });
  const startService = (name: ServiceName): Promise<void> => {
    const program = startProgram(SERVICE, { ...common, PERFECT21_SERVICES: name, ...portsAs(layout.services[name]) });
    programs[name] = program;
    return program.ready;
  };
  const front = await startFront(layout.front, (service) => layout.services[service].http);
  const stop = async (): Promise<void> => {
    front.close();
    front.closeIdleConnections();
    const order = ['sidecar', 'auth', 'users', 'notifications', 'sessions', 'permissions'] as const;
    for (const name of order) await programs[name]?.end();
    front.closeAllConnections();
    if (front.listening) await once(front, 'close');
  };
  try {
    await startService('users');
    await Promise.all(SERVICE_NAMES.filter((name) => name !== 'users').map(startService));
    const credentials: DevCredentials = JSON.parse(readFileSync(join(shared.dataDir, 'dev-credentials.json'), 'utf8'));
    programs.sidecar = startProgram(SIDECAR, {
      SIDECAR_ORIGIN: url,
      SIDECAR_FEED: shared.bus,
      PERFECT21_SERVICE_TOKEN: credentials.service_token,
      PERFECT21_DATA_DIR: shared.dataDir,
      ...portsAs(layout.sidecar),
      ...env,
    });
    await programs.sidecar.ready;
    return { kind, url, credentials, programs: programs as Deployment['programs'], restart: startService, stop };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
};
