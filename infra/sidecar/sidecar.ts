/** `npm run sidecar`: decides tokens and permissions beside a service. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadSidecarConfig } from '../../shared/config/sidecar.ts';
import { StartError } from '../../shared/config/start-error.ts';
import { startSidecar } from '../../shared/process/sidecar.ts';
import { placeAt } from '../../shared/system/listening.ts';
import { takesNoArguments } from '../local/arguments.ts';
import { stopsBySignal } from '../local/stopping.ts';
import { table } from '../local/table.ts';

/** On the machine of `npm start` its own service token serves. */
const localToken = (dataDir: string): string | undefined => {
  const file = join(dataDir, 'dev-credentials.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).service_token : undefined;
};

const started = performance.now();
takesNoArguments('npm run sidecar', 'decides tokens and permissions beside a service');
try {
  const config = loadSidecarConfig(process.env);
  const { env, http, sidecar } = config;
  if (env.NODE_ENV !== 'production') env.PERFECT21_SERVICE_TOKEN ??= localToken(config.data_dir);
  const running = await startSidecar(config);
  stopsBySignal(async () => {
    process.stdout.write('\nstopping: finishing what is in flight\n');
    await running.stop();
    process.stdout.write('stopped\n');
  });
  const { feed, origin, socket } = sidecar;
  const addresses: (readonly [string, string])[] = [
    ['gRPC', placeAt(http.host, running.grpc.port)],
    ...(socket ? ([['gRPC', `unix:${socket}`]] as const) : []),
    ['forward-auth', `http://${placeAt(http.host, running.http.port)}/verify`],
    ['metrics', `http://${placeAt(env.PERFECT21_METRICS_HOST, running.metrics.port)}/metrics`],
    ['platform', `${origin}, revocations over ${feed.over === 'grpc' ? `gRPC from ${feed.address}` : feed.over}`],
  ];
  const state = (await running.ready()) ? 'ready' : 'up, and ready when its platform is';
  process.stdout.write(`\nperfect21's sidecar is ${state} (${Math.round(performance.now() - started)} ms)\n\n`);
  process.stdout.write(`${table(addresses)}\n\nCtrl-C drains and stops.\n`);
} catch (thrown) {
  if (!(thrown instanceof StartError)) throw thrown;
  process.stderr.write(`the sidecar can't start: ${thrown.message}\n`);
  process.exit(1);
}
