/** A DynamoDB of our own for tests and local use: dynoxide, one process on a free port. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AwsOptions } from '../../shared/aws/settings.ts';
import { freePort } from '../support/free-port.ts';

export interface LocalDynamo {
  readonly endpoint: string;
  /** Client options: the endpoint, and a region and credentials that it takes without asking. */
  readonly options: Required<AwsOptions>;
  /** Takes it away, as an outage does. What was committed is kept. */
  stop(): Promise<void>;
  /** Brings it back at the same endpoint. */
  start(): Promise<void>;
  /** Ends it and removes its data. */
  close(): Promise<void>;
}

/** Where the program is. Throws one line on a platform that it is not there for. */
const program = (): string => {
  const name = `@dynoxide/${process.platform}-${process.arch}`;
  try {
    const found = join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'dynoxide');
    if (existsSync(found)) return found;
  } catch {
    // said below
  }
  throw new Error(`A local DynamoDB needs ${name}, which is not installed: there is one for linux-x64 only`);
};

/** Client options for a local endpoint. */
export const localOptions = (endpoint: string): Required<AwsOptions> => ({
  endpoint,
  region: 'eu-central-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
});

const launch = async (port: number, file: string | undefined): Promise<ChildProcess> => {
  const kept = file === undefined ? [] : ['--db-path', file];
  const child = spawn(program(), ['serve', '--port', `${port}`, ...kept], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // a test run that is ended leaves nothing behind
  const end = () => void child.kill('SIGKILL');
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
  let said = '';
  let listening = false;
  const note = (chunk: Buffer) => {
    said += chunk;
    listening ||= said.includes('listening on');
  };
  child.stdout?.on('data', note);
  child.stderr?.on('data', note);
  const until = performance.now() + 10_000;
  while (!listening) {
    if (child.exitCode !== null || performance.now() > until) {
      child.kill('SIGKILL');
      throw new Error(`dynoxide did not start: ${said.trim() || 'no reason given'}`);
    }
    await sleep(5);
  }
  return child;
};

/**
 * Starts one.
 *
 * @param options.durable keeps its data over `stop` and `start`; off by default, for speed
 * @example const dynamo = await startDynamo(); const store = dynamodbStore(schema, dynamo.options); …; await dynamo.close();
 */
export const startDynamo = async ({ durable = false } = {}): Promise<LocalDynamo> => {
  const folder = await mkdtemp(join(tmpdir(), 'perfect21-dynamo-'));
  const file = durable ? join(folder, 'dynamo.db') : undefined;
  const port = await freePort();
  let child: ChildProcess | undefined = await launch(port, file);
  const endpoint = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    const stopping = child;
    child = undefined;
    if (!stopping || stopping.exitCode !== null || stopping.signalCode !== null) return;
    const gone = once(stopping, 'exit');
    stopping.kill('SIGKILL');
    await gone;
  };
  return {
    endpoint,
    options: localOptions(endpoint),
    stop,
    start: async () => {
      child ??= await launch(port, file);
    },
    close: async () => {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
