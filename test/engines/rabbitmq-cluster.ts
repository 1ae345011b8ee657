/** Nodes of RabbitMQ on this machine with the very files that are deployed: TLS, users, queues and limits as there. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { authority } from '../doors/grpc/certificates.ts';
import { freePort } from '../support/free-port.ts';
import { guarded } from './guarded.ts';
import { ensureRabbitmq } from './rabbitmq-install.ts';

const FILES = fileURLToPath(new URL('../../infra/rabbitmq/', import.meta.url));
const START_MS = 55_000;

export interface RabbitmqNode {
  name: string;
  port: number;
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
  control(...words: string[]): string;
  alive(): boolean;
}
export interface RabbitmqCluster {
  /** `amqps:` of a port that leads to a node that lives, as a Service of Kubernetes does. Names no user. */
  url: string;
  nodes: readonly RabbitmqNode[];
  /** Files in PEM for a client of this common name. */
  clientOf(name: string): { ca: string; cert: string; key: string };
  /** The node that the next connection comes to, among those that live. */
  prefer(node: RabbitmqNode): void;
  close(): Promise<void>;
}

/**
 * Lines of the deployed file that are about another place: files, ports, and how nodes find each other there. What is left
 * is as it is deployed.
 */
const placed = (text: string, own: Record<string, string>): string => {
  const there = /^(cluster_formation\.k8s\.|cluster_formation\.peer_discovery_backend|disk_free_limit)/;
  const kept = text.split('\n').filter((line) => line && !line.startsWith('#') && !there.test(line));
  const missing = Object.keys(own).filter((key) => !kept.some((line) => line.startsWith(`${key} = `)));
  return [
    ...kept.map((line) =>
      line.split(' = ')[0]! in own ? `${line.split(' = ')[0]} = ${own[line.split(' = ')[0]!]}` : line,
    ),
    ...missing.map((key) => `${key} = ${own[key]}`),
    '',
  ].join('\n');
};

/** A port that leads to the first node that takes a connection, the preferred one before others. */
const inFront = async (ports: () => readonly number[]) => {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    sockets.add(client);
    client.on('error', () => {});
    const attempt = ([port, ...others]: readonly number[]): void => {
      if (port === undefined) return void client.destroy();
      const upstream = connect(port, '127.0.0.1');
      const refused = (): void => attempt(others);
      upstream.once('error', refused);
      upstream.once('connect', () => {
        upstream.off('error', refused);
        upstream.on('error', () => {});
        client.pipe(upstream).pipe(client);
        client.on('close', () => upstream.destroy());
        upstream.on('close', () => client.destroy());
      });
    };
    attempt(ports());
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
};

/**
 * Starts nodes that find each other.
 *
 * @param options `settings` replace or add lines of `rabbitmq.conf`, e.g. for a shorter wait
 * @throws Error with one line: what is missing, or what the broker says
 */
export const startRabbitmqCluster = async (options: {
  nodes: number;
  settings?: Record<string, string>;
}): Promise<RabbitmqCluster> => {
  const { command, server: serverIn } = ensureRabbitmq('4');
  const folder = mkdtempSync(join(tmpdir(), 'rabbitmq-cluster-'));
  const ours = authority();
  // the broker sees nothing of this machine but /tmp
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const ca = write('ca.crt', ours.ca);
  const { cert, key } = ours.issueTo('rabbitmq', 'DNS:localhost', 'IP:127.0.0.1');
  const server = { cert: write('server.crt', cert), key: write('server.key', key) };
  const deployed = (name: string): string => write(name, readFileSync(join(FILES, name), 'utf8'));
  const [plugins, definitions] = [deployed('enabled_plugins'), deployed('definitions.json')];
  const id = randomBytes(4).toString('hex');
  const epmdPort = await freePort();
  const members: { name: string; port: number; dist: number; metrics: number }[] = [];
  for (let n = 1; n <= options.nodes; n++)
    members.push({
      name: `p21-${id}-${n}@localhost`,
      port: await freePort(),
      dist: await freePort(),
      metrics: await freePort(),
    });

  const started = await Promise.all(
    members.map(async ({ name, port, dist, metrics }) => {
      const home = join(folder, name);
      mkdirSync(home);
      // nodes of one cluster know each other by it
      writeFileSync(join(home, '.erlang.cookie'), id);
      chmodSync(join(home, '.erlang.cookie'), 0o400);
      const conf = placed(readFileSync(join(FILES, 'rabbitmq.conf'), 'utf8'), {
        'listeners.ssl.default': String(port),
        'prometheus.tcp.port': String(metrics),
        'prometheus.tcp.ip': '127.0.0.1',
        'ssl_options.cacertfile': ca,
        'ssl_options.certfile': server.cert,
        'ssl_options.keyfile': server.key,
        'definitions.local.path': definitions,
        'cluster_formation.peer_discovery_backend': 'classic_config',
        ...Object.fromEntries(members.map((each, n) => [`cluster_formation.classic_config.nodes.${n + 1}`, each.name])),
        'cluster_formation.target_cluster_size_hint': String(members.length),
        'disk_free_limit.absolute': '50MB',
        'log.console': 'false',
        'log.file': join(home, 'rabbit.log'),
        'log.file.level': 'warning',
        ...options.settings,
      });
      writeFileSync(join(home, 'rabbitmq.conf'), conf);
      const env: NodeJS.ProcessEnv = {
        PATH: `${process.env.PATH}:/usr/sbin:/usr/bin`,
        HOME: home,
        LC_ALL: 'C.UTF-8',
        ERL_EPMD_PORT: String(epmdPort),
        ERL_EPMD_ADDRESS: '127.0.0.1',
        RABBITMQ_NODENAME: name,
        RABBITMQ_DIST_PORT: String(dist),
        RABBITMQ_CONF_ENV_FILE: join(home, 'none.conf'),
        RABBITMQ_CONFIG_FILE: join(home, 'rabbitmq.conf'),
        RABBITMQ_ENABLED_PLUGINS_FILE: plugins,
        RABBITMQ_MNESIA_BASE: join(home, 'data'),
        RABBITMQ_LOG_BASE: join(home, 'log'),
        RABBITMQ_PID_FILE: join(home, 'pid'),
        RABBITMQ_GENERATED_CONFIG_DIR: join(home, 'config'),
        RUNNING_UNDER_SYSTEMD: 'true',
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none',
      };
      return { name, port, home, env };
    }),
  );
  const [first] = started;
  const epmd = await guarded(folder, first!.env, command('epmd', '-port', String(epmdPort)));
  const running: Awaited<ReturnType<typeof guarded>>[] = [];
  let front: Awaited<ReturnType<typeof inFront>> | undefined;
  const atExit = (): void => {
    for (const each of [...running, epmd]) each.letGo();
  };
  process.once('exit', atExit);
  const close = async (): Promise<void> => {
    process.off('exit', atExit);
    front?.close();
    await Promise.all([...running, epmd].map((each) => each.end('SIGKILL')));
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    // its configuration speaks of the management, which nobody enabled
    const known = [...(readFileSync(plugins, 'utf8').match(/\w+/g) ?? []), 'rabbitmq_management'];
    for (const { home, env } of started) running.push(await guarded(home, env, serverIn(home, known)));
    const nodes = started.map(
      ({ name, port, env, home }, n): RabbitmqNode => ({
        name,
        port,
        kill: () => running[n]!.end('SIGKILL'),
        alive: () => running[n]!.alive(),
        control: (...words) => {
          const [program = '', ...values] = command('rabbitmqctl', '-n', name, ...words);
          const ran = spawnSync(program, values, { env, cwd: home, encoding: 'utf8' });
          if (ran.status !== 0) throw new Error(`rabbitmqctl ${words[0]}: ${ran.stderr || ran.stdout}`);
          return ran.stdout;
        },
      }),
    );
    const open = (port: number): Promise<boolean> =>
      new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1');
        socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
        socket.once('connect', () => socket.destroy());
      });
    for (const until = Date.now() + START_MS; ; await sleep(100)) {
      if ((await Promise.all(nodes.map(({ port }) => open(port)))).every(Boolean)) break;
      const dead = nodes.findIndex(({ alive }) => !alive());
      if (dead >= 0 || Date.now() > until) {
        const log = join(started[Math.max(dead, 0)]!.home, 'rabbit.log');
        throw new Error(`RabbitMQ did not start: ${readFileSync(log, 'utf8').trim().split('\n').slice(-3).join(' ')}`);
      }
    }
    let preferred = nodes[0]!;
    front = await inFront(() => [preferred.port, ...nodes.map(({ port }) => port)]);
    return {
      url: `amqps://localhost:${front.port}/perfect21`,
      nodes,
      clientOf: (name) => {
        const issued = ours.issueTo(name, `DNS:${name}`);
        return { ca, cert: write(`${name}.crt`, issued.cert), key: write(`${name}.key`, issued.key) };
      },
      prefer: (node) => {
        preferred = node;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
};
