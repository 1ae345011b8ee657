/** A private RabbitMQ for a test run: own node, folder, ports and epmd. Ends with the process that started it. */
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'amqplib';
import { freePort } from '../support/free-port.ts';
import { guarded } from './guarded.ts';
import { ensureRabbitmq, majorRelease } from './rabbitmq-install.ts';

const START_MS = 50_000;
/** Folders of plugins, the server's own among them, when the delayed-message plugin is to be there: Debian has none. */
const MORE_PLUGINS = process.env.PERFECT21_TEST_RABBITMQ_PLUGINS;
const DELAYED = 'rabbitmq_delayed_message_exchange';

export interface Rabbitmq {
  readonly url: string;
  /** With TLS, when started with certificates. */
  readonly tlsUrl: string;
  /** Of the management plugin, when started with it. */
  readonly managementUrl: string;
  /** Stops the broker in an orderly way, keeping its data. */
  stop(): Promise<void>;
  /** Ends it as a power cut would, keeping what is on the disk. */
  kill(): Promise<void>;
  /** Starts it again on the same ports. */
  start(): Promise<void>;
  /** Runs `rabbitmqctl` on it and gives what it printed. */
  control(...command: string[]): string;
  /** Ends it and removes its folder. */
  close(): Promise<void>;
}

/** The second one for programs that in production refuse the first. */
export const USERS = { guest: 'guest', perfect21: 'chosen-by-somebody' } as const;
/** What the broker is to have at its start: with these it makes no user by itself. */
const definitions = (vhosts: readonly string[]) => {
  const salt = Buffer.from('salt');
  const users = Object.entries(USERS).map(([name, password]) => {
    const hash = createHash('sha256').update(salt).update(password).digest();
    return {
      name,
      password_hash: Buffer.concat([salt, hash]).toString('base64'),
      hashing_algorithm: 'rabbit_password_hashing_sha256',
      tags: ['administrator'],
    };
  });
  const may = { configure: '.*', write: '.*', read: '.*' };
  return {
    users,
    vhosts: vhosts.map((name) => ({ name })),
    permissions: vhosts.flatMap((vhost) => users.map(({ name: user }) => ({ user, vhost, ...may }))),
  };
};

/**
 * Starts a private RabbitMQ, installing Debian's package first where it is missing and may be installed.
 *
 * @throws Error with one line that says what is missing
 * @example const broker = await startRabbitmq(); … broker.url … await broker.close();
 */
export const startRabbitmq = async (
  options: {
    tls?: { ca: string; cert: string; key: string };
    management?: boolean;
    /** Virtual hosts, beside the one without a name. */
    vhosts?: readonly string[];
  } = {},
): Promise<Rabbitmq> => {
  const { command, server } = ensureRabbitmq();
  const folder = mkdtempSync(join(tmpdir(), 'rabbitmq-'));
  const [port, tlsPort, distPort, epmdPort] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const managementPort = await freePort();
  const node = `perfect21-${randomBytes(6).toString('hex')}@localhost`;
  const lines = [
    'vm_memory_high_watermark.relative = 0.4',
    'disk_free_limit.absolute = 50MB',
    'log.file.level = error',
  ];
  if (options.tls) {
    const { ca, cert, key } = options.tls;
    lines.push(
      `listeners.ssl.1 = 127.0.0.1:${tlsPort}`,
      `ssl_options.cacertfile = ${ca}`,
      `ssl_options.certfile = ${cert}`,
      `ssl_options.keyfile = ${key}`,
      'ssl_options.verify = verify_peer',
      'ssl_options.fail_if_no_peer_cert = true',
    );
  }
  if (options.management) lines.push('management.tcp.ip = 127.0.0.1', `management.tcp.port = ${managementPort}`);
  if (options.vhosts) {
    const file = join(folder, 'definitions.json');
    writeFileSync(file, JSON.stringify(definitions(['/', ...options.vhosts])));
    lines.push(`load_definitions = ${file}`);
  }
  writeFileSync(join(folder, 'rabbitmq.conf'), `${lines.join('\n')}\n`);
  const enabled = [...(options.management ? ['rabbitmq_management'] : []), ...(MORE_PLUGINS ? [DELAYED] : [])];
  writeFileSync(join(folder, 'enabled_plugins'), `[${enabled.join(',')}].\n`);
  const commandLine = server(folder, enabled);
  const env: NodeJS.ProcessEnv = {
    PATH: `${process.env.PATH}:/usr/sbin:/usr/bin`,
    HOME: folder,
    LC_ALL: 'C.UTF-8',
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: node,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distPort),
    RABBITMQ_CONF_ENV_FILE: join(folder, 'none.conf'),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    ...(MORE_PLUGINS && { RABBITMQ_PLUGINS_DIR: MORE_PLUGINS }),
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    RABBITMQ_GENERATED_CONFIG_DIR: join(folder, 'config'),
    // without these the script stays between us and the virtual machine
    RUNNING_UNDER_SYSTEMD: 'true',
    // two schedulers that do not spin: the machine is shared with the tests
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none',
  };
  const url = `amqp://guest:guest@127.0.0.1:${port}`;
  // started by us, so that it is ours to end: the broker would start one that outlives it
  const epmd = await guarded(folder, env, command('epmd', '-port', String(epmdPort)));
  let broker: Awaited<ReturnType<typeof guarded>> | undefined;

  const start = async (): Promise<void> => {
    broker = await guarded(folder, env, commandLine);
    for (const until = Date.now() + START_MS; ; await sleep(50)) {
      const connection = await connect(url, { timeout: 2_000 }).catch(() => undefined);
      if (connection) {
        const { version } = connection.connection.serverProperties;
        await connection.close();
        if (!String(version).startsWith(`${majorRelease()}.`)) throw new Error(`this is RabbitMQ ${version}`);
        return;
      }
      if (!broker.alive() || Date.now() > until) throw new Error(`RabbitMQ did not start: ${lastLine(folder, node)}`);
    }
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => broker?.end(signal);
  const atExit = (): void => {
    broker?.letGo();
    epmd.letGo();
  };
  const close = async (): Promise<void> => {
    process.off('exit', atExit);
    await end('SIGKILL');
    await epmd.end('SIGKILL');
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
    url,
    tlsUrl: `amqps://guest:guest@localhost:${tlsPort}`,
    managementUrl: `http://guest:guest@127.0.0.1:${managementPort}`,
    start,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    control: (...words) => {
      const [program = '', ...values] = command('rabbitmqctl', '-n', node, ...words);
      const ran = spawnSync(program, values, { env, cwd: folder, encoding: 'utf8' });
      if (ran.status !== 0) throw new Error(`rabbitmqctl ${words[0]}: ${ran.stderr}`);
      return ran.stdout;
    },
    close,
  };
};

const lastLine = (folder: string, node: string): string => {
  try {
    return (
      readFileSync(join(folder, 'log', `${node}.log`), 'utf8')
        .trim()
        .split('\n')
        .at(-1) ?? ''
    );
  } catch {
    return 'it wrote no log';
  }
};
