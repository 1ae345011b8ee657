/** `npm run bridge`: RabbitMQ and EventBridge joined by a process. */
import { loadConfig } from '../../shared/config/config.ts';
import { StartError } from '../../shared/config/start-error.ts';
import { startBridge } from '../../shared/process/bridge.ts';
import { placeAt } from '../../shared/system/listening.ts';
import { takesNoArguments } from './arguments.ts';
import { stopsBySignal } from './stopping.ts';

takesNoArguments(
  'npm run bridge',
  'carries events between BUS_URL=amqp://… and BRIDGE_URL=eventbridge://<bus>/<SQS queue>',
);

try {
  const config = loadConfig(process.env);
  const bridge = await startBridge(config);
  stopsBySignal(() => bridge.stop());
  process.stdout.write(`perfect21's bridge joins RabbitMQ and EventBridge (${config.bridge?.bus}). Ctrl-C stops it.\n`);
  process.stdout.write(
    `Its metrics and health: http://${placeAt(config.env.PERFECT21_METRICS_HOST, bridge.metrics.port)}/metrics, /readyz\n`,
  );
} catch (thrown) {
  if (!(thrown instanceof StartError)) throw thrown;
  process.stderr.write(`the bridge can't start: ${thrown.message}\n`);
  process.exit(1);
}
