/** A private Consul for a test run: Debian 11's, unpacked beside the system. Ends with the process that started it. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../support/free-port.ts';
import { CACHE, unpackSuite } from './debian-suite.ts';
import { guarded } from './guarded.ts';

const START_MS = 20_000;

export interface Consul {
  /** Of its HTTP API, as `DISCOVERY_URL` names it: `127.0.0.1:8500`. */
  readonly place: string;
  readonly url: string;
  /** Of its DNS, which serves `<service>.service.consul`. */
  readonly dns: string;
  /** Ends it as a power cut would; it keeps nothing. */
  kill(): Promise<void>;
  /** Starts it again on the same ports, empty. */
  start(): Promise<void>;
  /** Stops and lets it go on, as a machine without time for it does. */
  pause(): void;
  resume(): void;
  close(): Promise<void>;
}

const ROOT = join(CACHE, 'consul-1.8');
const unpacked = (): string => {
  if (!existsSync(ROOT)) unpackSuite('Consul', { suite: 'bullseye', packages: ['consul'], root: ROOT, alone: true });
  return ROOT;
};

/**
 * Starts one agent that is its own server, in memory.
 *
 * @throws Error with one line that says why it cannot be had
 * @example const consul = await startConsulAgent(); … consul.url … await consul.close();
 */
export const startConsulAgent = async (): Promise<Consul> => {
  const root = unpacked();
  const folder = mkdtempSync(join(tmpdir(), 'consul-'));
  const [http, dns, server, lan, wan] = await Promise.all(Array.from({ length: 5 }, () => freePort()));
  const at = '127.0.0.1';
  const command = [
    ...[join(root, 'usr/bin/consul'), 'agent', '-dev', '-log-level', 'err', '-bind', at, '-client', at],
    ...['-node', 'test', '-disable-host-node-id', '-http-port', String(http), '-dns-port', String(dns)],
    ...[
      '-server-port',
      String(server),
      '-serf-lan-port',
      String(lan),
      '-serf-wan-port',
      String(wan),
      '-grpc-port',
      '-1',
    ],
  ];
  const url = `http://${at}:${http}`;
  let agent: Awaited<ReturnType<typeof guarded>> | undefined;
  const start = async (): Promise<void> => {
    agent = await guarded(folder, { PATH: process.env.PATH, HOME: folder }, command);
    for (const until = Date.now() + START_MS; ; await sleep(25)) {
      // its own node stands in the catalogue once there is a leader, and before services can
      const nodes: unknown = await fetch(`${url}/v1/catalog/nodes`).then(
        (response) => response.ok && response.json(),
        () => undefined,
      );
      if (Array.isArray(nodes) && nodes.length > 0) return;
      if (!agent.alive() || Date.now() > until) throw new Error('Consul did not start');
    }
  };
  const atExit = (): void => {
    agent?.letGo();
  };
  const close = async (): Promise<void> => {
    process.off('exit', atExit);
    await agent?.end('SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  process.once('exit', atExit);
  try {
    await start();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    place: `${at}:${http}`,
    url,
    dns: `${at}:${dns}`,
    kill: async () => agent?.end('SIGKILL'),
    start,
    pause: () => agent?.signal('SIGSTOP'),
    resume: () => agent?.signal('SIGCONT'),
    close,
  };
};
