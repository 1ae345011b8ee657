/**
 * `npm run offline`: the functions of serverless.yml, bundled, under serverless-offline; in this process what AWS would
 * do beside them: the worker that relays events to their handlers, and a mailbox.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inFunctions, platform, schema } from '../../functions/index.ts';
import { loadConfig } from '../../shared/config/config.ts';
import { withMailbox } from '../../shared/config/mailbox.ts';
import { StartError } from '../../shared/config/start-error.ts';
import { startMailbox } from '../../shared/delivery/mailbox/index.ts';
import { gatewayConnections } from '../../shared/delivery/realtime/gateway.ts';
import { prepareDataDir } from '../../shared/process/data-dir.ts';
import { openHost } from '../../shared/process/host.ts';
import { startWorker } from '../../shared/process/worker.ts';
import { takesNoArguments } from './arguments.ts';
import { type DevCredentials, devCredentials, seedDevCredentials } from './dev-credentials.ts';
import { stopsBySignal } from './stopping.ts';
import { table } from './table.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** Bundling and loading of all functions, on a busy machine. */
const START_MS = 90_000;
const STOP_MS = 5_000;

export interface OfflineOptions {
  /** Variables of shared/config; what is missing takes its default. */
  env: NodeJS.ProcessEnv;
  /** Of HTTP, of WebSockets, and of the emulator's own Lambda API; 3000, 3001 and 3002 when left out. */
  ports?: { http?: number; socket?: number; lambda?: number };
  /** Shows what the functions log, or all that the emulator says, such as each route. */
  shows?: 'nothing' | 'logs' | 'everything';
}

export interface Offline {
  url: string;
  /** Where clients open WebSockets, with `?ticket=…`. */
  socketUrl: string;
  mailboxUrl: string;
  credentials: DevCredentials;
  /** Resolves when no event waits any more. For tests. */
  drain(): Promise<void>;
  /** Resolves when the emulator ended, by `close` or by itself. */
  ended: Promise<unknown>;
  close(): Promise<void>;
}

/** The emulator would share or miss a taken port without a word. @throws StartError when somebody listens there */
const requireFree = async (port: number): Promise<void> => {
  const socket = connect({ port, host: 'localhost' });
  const taken = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  if (taken) throw new StartError(`port ${port} is taken: end what listens there`);
};

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await gone;
  clearTimeout(timer);
  // its bundles (infra/aws/esbuild.ts)
  rmSync(join(ROOT, '.esbuild', `${child.pid}`), { recursive: true, force: true });
};

/** Starts the emulator and resolves when a function answers. */
const emulate = async (url: string, args: readonly string[], env: NodeJS.ProcessEnv, shows: string) => {
  const cli = join(createRequire(import.meta.url).resolve('serverless/package.json'), '../bin/serverless.js');
  const child = spawn(process.execPath, [cli, 'offline', 'start', ...args], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said = `${said}${chunk}`.slice(-4_000);
      if (shows === 'everything') process.stderr.write(chunk);
      // functions log lines of JSON
      else if (shows === 'logs') process.stderr.write(`${chunk}`.replace(/^(?!\{").*\n?/gm, ''));
    });
  }
  const until = performance.now() + START_MS;
  for (;;) {
    const ready = await fetch(`${url}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    );
    const over = child.exitCode !== null || child.signalCode !== null;
    if (ready && !over) return child;
    if (over || performance.now() > until) {
      await end(child);
      throw new StartError(`serverless-offline did not start: ${said.trim() || 'it said nothing'}`);
    }
    await sleep(100);
  }
};

/**
 * Starts functions, worker and mailbox.
 *
 * @throws StartError with what to do; nothing goes on running then
 * @example const { url, close } = await startOffline({ env: process.env });
 */
export const startOffline = async ({ env, ports = {}, shows = 'nothing' }: OfflineOptions): Promise<Offline> => {
  const { http = 3000, socket = 3001, lambda = 3002 } = ports;
  const url = `http://localhost:${http}`;
  const closing: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (let step = closing.pop(); step; step = closing.pop()) await step();
  };
  try {
    for (const port of [http, socket, lambda]) await requireFree(port);
    const connections = `http://localhost:${socket}`;
    const variables = { PERFECT21_PUBLIC_URL: url, PERFECT21_CONNECTIONS_URL: connections, ...env };
    const config = loadConfig(variables);
    prepareDataDir(config.data_dir);
    const { PERFECT21_MAILBOX_PORT: httpPort, PERFECT21_SMTP_PORT: smtpPort } = config.env;
    const mailbox = await startMailbox({ httpPort, smtpPort, host: '127.0.0.1', dataDir: config.data_dir });
    closing.push(() => mailbox.close());
    // functions hold no connections: the emulator does, as API Gateway would
    const host = await openHost(withMailbox(config, mailbox), schema, { replace: [gatewayConnections] });
    closing.push(() => host.close());
    const credentials = devCredentials(config.data_dir, config.env);
    await seedDevCredentials(host, credentials, config.services);
    const worker = startWorker(host, [...platform, ...inFunctions]);
    closing.push(() => worker.stop());
    const args = ['--useInProcess', '--noPrependStageInUrl', '--noSponsor'];
    const child = await emulate(
      url,
      [...args, '--httpPort', `${http}`, '--websocketPort', `${socket}`, '--lambdaPort', `${lambda}`],
      { ...process.env, ...variables, PERFECT21_DATA_DIR: config.data_dir },
      shows,
    );
    const ended = once(child, 'exit');
    closing.push(() => end(child));
    const mailboxUrl = `http://localhost:${mailbox.httpPort}`;
    return {
      url,
      socketUrl: `ws://localhost:${socket}`,
      mailboxUrl,
      credentials,
      drain: () => worker.drain(),
      ended,
      close,
    };
  } catch (thrown) {
    await close();
    throw thrown;
  }
};

if (import.meta.main) {
  takesNoArguments('npm run offline', 'runs the packaged functions under serverless-offline, on port 3000');
  const http = Number(process.env.PERFECT21_HTTP_PORT || 3000);
  try {
    const { url, socketUrl, mailboxUrl, ended, close } = await startOffline({
      env: process.env,
      ports: { http, socket: http + 1, lambda: http + 2 },
      shows: process.env.LOG_LEVEL === 'debug' ? 'everything' : 'logs',
    });
    let stopping = false;
    const end = stopsBySignal(() => {
      stopping = true;
      return close();
    });
    const rows = [
      ['REST', `${url}/api/v1`],
      ['WebSocket', `${socketUrl}/ws?ticket=…`],
      ['API browser', `${url}/docs`],
      ['mailbox', mailboxUrl],
    ] as const;
    process.stdout.write(`\nperfect21's functions are ready\n\n${table(rows)}\n\nCtrl-C stops.\n`);
    await ended;
    if (!stopping) process.stderr.write('npm run offline stops: serverless-offline ended by itself\n');
    await end(1);
  } catch (thrown) {
    if (!(thrown instanceof StartError)) throw thrown;
    process.stderr.write(`npm run offline can't start: ${thrown.message}\n`);
    process.exit(1);
  }
}
