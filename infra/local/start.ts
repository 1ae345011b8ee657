/** `npm start`: the whole platform on this machine. */
import { relative } from 'node:path';
import * as product from '../../functions/index.ts';
import { type Config, loadConfig } from '../../shared/config/config.ts';
import { StartError } from '../../shared/config/start-error.ts';
import { AppError, ERRORS } from '../../shared/kit/errors.ts';
import type { Host } from '../../shared/kit/invoke.ts';
import { doRest, later } from '../../shared/kit/late.ts';
import { prepareDataDir } from '../../shared/process/data-dir.ts';
import { growSlowly } from '../../shared/process/heap-growth.ts';
import { launch, type Running } from '../../shared/process/launch.ts';
import { keepTickShape } from '../../shared/process/tick-shape.ts';
import { placeAt } from '../../shared/system/listening.ts';
import { takesNoArguments } from './arguments.ts';
import { beginDevCredentials, type DevCredentials, devCredentials } from './dev-credentials.ts';
import { stopsBySignal } from './stopping.ts';
import { table } from './table.ts';

const addresses = (running: Running, config: Config): (readonly [string, string])[] => {
  const { http, grpc, metrics, mailbox } = running;
  const { env, data_dir: dataDir } = config;
  return [
    ['REST', `${http.url}/api/v1`],
    ['API browser', `${http.url}/docs`],
    ...(config.services.includes('notifications')
      ? ([['WebSocket', `${http.url.replace(/^http/, 'ws')}/ws`]] as const)
      : []),
    ['gRPC', placeAt(config.http.host, grpc.port)],
    ...(mailbox ? ([['mailbox', `http://localhost:${mailbox.httpPort}`]] as const) : []),
    ['metrics', `http://${placeAt(env.PERFECT21_METRICS_HOST, metrics.port)}/metrics`],
    ['status', `http://${placeAt(env.PERFECT21_METRICS_HOST, metrics.port)}/status`],
    ['credentials', `${relative(process.cwd(), dataDir) || dataDir}/dev-credentials.json`],
  ];
};

/** Ms after a start in which it has the machine to itself. */
const REST_MS = 50;

/** Sees to the credentials, and gives what is left for the first call. */
const firstOf = async (
  host: Host,
  credentials: DevCredentials,
  { services, data_dir: dataDir }: Config,
): Promise<(() => Promise<void>) | undefined> => {
  const rest = await beginDevCredentials(host, credentials, services, dataDir);
  if (!rest) return undefined;
  const failed = (cause: unknown): void => host.ports.log.warn('seed.incomplete', { cause });
  if (rest.known) later(() => void rest.complete().catch(failed));
  // a process whose calls wait for one that waits for its calls would wait for ever
  else if (!services.includes('users') || !services.includes('permissions')) await rest.complete().catch(failed);
  else return () => rest.complete().catch(endForGood);
  return undefined;
};

const refuse = (message: string): never => {
  process.stderr.write(`perfect21 can't start: ${message}\n`);
  process.exit(1);
};

/** What no other try mends ends a start, also after it was ready. Throws what another try may mend. */
const endForGood = (cause: unknown): never => {
  if (cause instanceof StartError) return refuse(cause.message);
  if (cause instanceof AppError && ERRORS[cause.code].retry) throw cause;
  return refuse(`there is no administrator for development (${(cause as Error).message})`);
};

const start = async (): Promise<void> => {
  const began = performance.now();
  keepTickShape();
  takesNoArguments('npm start', 'starts the whole platform on this machine');
  try {
    const config = loadConfig(process.env);
    prepareDataDir(config.data_dir);
    const credentials = config.env.NODE_ENV === 'production' ? undefined : devCredentials(config.data_dir, config.env);
    config.env.PERFECT21_SERVICE_TOKEN ??= credentials?.service_token;
    const running = await launch(product, config, {
      prepare: async (host) => (credentials ? firstOf(host, credentials, config) : undefined),
    });
    const rest = setTimeout(() => void doRest(), REST_MS);
    stopsBySignal(async () => {
      clearTimeout(rest);
      process.stdout.write('\nstopping: finishing what is in flight\n');
      await running.stop();
      process.stdout.write('stopped\n');
    });
    growSlowly();
    const ms = Math.round(performance.now() - began);
    process.stdout.write(`\nperfect21 is ready (${ms} ms): ${config.services.join(', ')}\n\n`);
    process.stdout.write(`${table(addresses(running, config))}\n\nCtrl-C drains and stops.\n`);
  } catch (thrown) {
    if (!(thrown instanceof StartError)) throw thrown;
    refuse(thrown.message);
  }
};

export const started = start();
