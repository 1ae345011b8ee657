/** `npm run sidecar`: decides tokens and permissions beside a service. */
import cluster from 'node:cluster';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadSidecarConfig, type SidecarConfig } from '../../shared/config/sidecar.ts';
import { StartError } from '../../shared/config/start-error.ts';
import { growSlowly } from '../../shared/process/heap-growth.ts';
import { type Sidecar, startSidecar } from '../../shared/process/sidecar.ts';
import { keepTickShape } from '../../shared/process/tick-shape.ts';
import { placeAt } from '../../shared/system/listening.ts';
import { takesNoArguments } from '../local/arguments.ts';
import { stopsBySignal } from '../local/stopping.ts';
import { table } from '../local/table.ts';
import { keepWorkers } from './workers.ts';

/** On the machine of `npm start` its own service token serves. */
const localToken = (dataDir: string): string | undefined => {
  const file = join(dataDir, 'dev-credentials.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).service_token : undefined;
};

const say = (text: string): void => void process.stdout.write(text);

const stopsWith = (stop: () => Promise<void>): void =>
  void stopsBySignal(async () => {
    say('\nstopping: finishing what is in flight\n');
    await stop();
    say('stopped\n');
  });

const addresses = (
  { grpc, http, metrics }: Pick<Sidecar, 'grpc' | 'http' | 'metrics'>,
  { http: { host }, env, sidecar: { feed, origin, socket } }: SidecarConfig,
): (readonly [string, string])[] => [
  ['gRPC', placeAt(host, grpc.port)],
  ...(socket ? ([['gRPC', `unix:${socket}`]] as const) : []),
  ['forward-auth', `http://${placeAt(host, http.port)}/verify`],
  ['metrics', `http://${placeAt(env.PERFECT21_METRICS_HOST, metrics.port)}/metrics`],
  ['platform', `${origin}, revocations over ${feed.over === 'grpc' ? `gRPC from ${feed.address}` : feed.over}`],
];

const start = async (): Promise<void> => {
  const began = performance.now();
  keepTickShape();
  takesNoArguments('npm run sidecar', 'decides tokens and permissions beside a service');
  try {
    const config = loadSidecarConfig(process.env);
    const { env, sidecar } = config;
    if (env.NODE_ENV !== 'production') env.PERFECT21_SERVICE_TOKEN ??= localToken(config.data_dir);
    const tell = (state: string, places: Pick<Sidecar, 'grpc' | 'http' | 'metrics'>): void => {
      say(`\nperfect21's sidecar is ${state} (${Math.round(performance.now() - began)} ms)\n\n`);
      say(`${table(addresses(places, config))}\n\nCtrl-C drains and stops.\n`);
    };
    if (cluster.isPrimary && sidecar.workers > 1) {
      stopsWith(await keepWorkers(sidecar.workers, env.PERFECT21_METRICS_PORT));
      const ports = { grpc: config.grpc, http: config.http, metrics: { port: env.PERFECT21_METRICS_PORT } };
      tell(`up, ${sidecar.workers} workers`, ports);
    } else {
      const running = await startSidecar(config);
      growSlowly();
      if (cluster.isWorker) {
        // the first signal of a terminal reaches all; who started this one says when
        process.on('SIGINT', () => {});
        process.on('SIGTERM', () => void running.stop().then(() => process.exit(0)));
        process.send!('up');
      } else {
        stopsWith(() => running.stop());
        tell((await running.ready()) ? 'ready' : 'up, and ready when its platform is', running);
      }
    }
  } catch (thrown) {
    if (!(thrown instanceof StartError)) throw thrown;
    process.stderr.write(`the sidecar can't start: ${thrown.message}\n`);
    process.exit(1);
  }
};

export const started = start();
