/**
 * Tells a Consul agent which services run in this process, says again and again that they are well, and takes that back at
 * the stop (https://developer.hashicorp.com/consul/api-docs/agent/service).
 *
 * An ACL token needs `service:write`.
 */
import type { Log } from '../../ports/log.ts';
import { type ConsulOptions, consulAgent } from './consul-agent.ts';

/** Ms between two signs of life. Three of them may be missed before Consul takes an instance for dead. */
export const RENEW_MS = 3_000;
const TTL = '10s';
/** Of one request, ms. */
const PATIENCE_MS = 2_000;

export interface Registered {
  /** Names in the catalogue: `auth-service`, … */
  services: readonly string[];
  host: string;
  port: number;
  zone?: string;
  /** A whole number; 1 when left out. */
  weight?: number;
  /** `ttl`: this process says that it is well; `grpc`: the agent asks its gRPC health, over TLS where `tls` says so. */
  check: 'ttl' | 'grpc';
  tls?: boolean;
}

export interface Registration {
  /** Takes the services out of the catalogue. */
  stop(): Promise<void>;
}

const idOf = (service: string, { host, port }: Registered): string => `${service}-${host}-${port}`;
const checkOf = (id: string): string => `perfect21:${id}`;

const entryOf = (service: string, own: Registered, well: boolean): object => {
  const { host, port, zone, weight = 1, check, tls } = own;
  const id = idOf(service, own);
  const place = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return {
    ID: id,
    Name: service,
    Address: host,
    Port: port,
    Meta: { ...(zone && { zone }) },
    Weights: { Passing: weight, Warning: 1 },
    Check: {
      CheckID: checkOf(id),
      Name: check === 'ttl' ? 'says that it is well' : 'grpc.health.v1',
      Status: well ? 'passing' : 'critical',
      // who was killed takes nothing back; a minute is the shortest that Consul takes
      DeregisterCriticalServiceAfter: '1m',
      ...(check === 'ttl' ? { TTL } : { GRPC: place, GRPCUseTLS: tls ?? false, Interval: '3s' }),
    },
  };
};

/**
 * Registers, and keeps registered what an agent forgets that was restarted. An agent that is away stops nobody:
 * `registration.away` stands in the log once, and `registration.back`.
 *
 * @param ready whether the process can take calls; a rejection is a no
 * @throws StartError when the authority's file can't be read
 * @example const registration = await register(options, own, { log, ready }); … await registration.stop();
 */
export const register = async (
  options: ConsulOptions,
  own: Registered,
  { log, ready }: { log: Log; ready: () => Promise<unknown> },
): Promise<Registration> => {
  const agent = consulAgent(options);
  let away = false;

  const well = async (): Promise<boolean> => {
    const judged = ready().then(
      (answer) => answer !== false,
      () => false,
    );
    // who can't even say whether it is well is not
    const late = new Promise<boolean>((resolve) => setTimeout(resolve, PATIENCE_MS, false).unref());
    return Promise.race([judged, late]);
  };
  const known = async (service: string, isWell: boolean): Promise<boolean> => {
    const id = encodeURIComponent(idOf(service, own));
    const signal = AbortSignal.timeout(PATIENCE_MS);
    if (own.check === 'ttl') {
      const said = `/v1/agent/check/${isWell ? 'pass' : 'fail'}/${encodeURIComponent(checkOf(idOf(service, own)))}`;
      return (await agent.put(said, undefined, signal)) === 200;
    }
    return agent.get(`/v1/agent/service/${id}`, signal).then(
      () => true,
      () => false,
    );
  };
  const enter = async (service: string, isWell: boolean): Promise<void> => {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const status = await agent.put('/v1/agent/service/register', entryOf(service, own, isWell), signal);
    if (status === 403) throw new Error(`CONSUL_HTTP_TOKEN may not register ${service}: it needs service:write`);
    if (status !== 200) throw new Error(`the agent answered ${status}`);
  };
  const round = async (renew: boolean): Promise<void> => {
    const isWell = await well();
    try {
      for (const service of own.services) if (!renew || !(await known(service, isWell))) await enter(service, isWell);
      if (away) log.info('registration.back');
      away = false;
    } catch (cause) {
      if (!away) log.warn('registration.away', { detail: 'others may not find this process', cause });
      away = true;
    }
  };

  let turn = round(false);
  await turn;
  let timer: NodeJS.Timeout;
  const later = (): void => {
    timer = setTimeout(() => {
      turn = round(true);
      void turn.then(() => !stopped && later());
    }, RENEW_MS).unref();
  };
  let stopped = false;
  later();
  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await turn;
      const takenBack = own.services.map(async (service) => {
        const path = `/v1/agent/service/deregister/${encodeURIComponent(idOf(service, own))}`;
        await agent.put(path, undefined, AbortSignal.timeout(PATIENCE_MS));
      });
      for (const each of await Promise.allSettled(takenBack))
        if (each.status === 'rejected') log.warn('registration.left', { cause: each.reason });
    },
  };
};
