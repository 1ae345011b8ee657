/**
 * The relay as a function: it brings what waits in the outbox to the bus until nothing can be claimed or its time ends.
 *
 * Two things call it. The stream of the messages table, right after a commit: the records say only that it is time to
 * look, what is published comes from claims. And a schedule, each minute: it finds what became due since (events with a
 * delay, rows that were given back after a failure), so these come up to a minute late. Both may run at once, beside
 * each other and beside workers.
 */
import { loadConfig, StartError } from '../config.ts';
import { eventBridgeBus } from '../messaging/eventbridge/bus.ts';
import { relayStep } from '../messaging/relay.ts';
import { stack } from './lambda.ts';
import { type Choose, container } from './lambda-container.ts';

/** Milliseconds that a step may need: three tries of the bus, and settling. No step is begun with less. */
const STEP_MS = 15_000;

const openBus = () => {
  const { bus } = loadConfig(process.env);
  if (bus.engine !== 'eventbridge') throw new StartError('BUS_URL names no EventBridge: use eventbridge://<bus>');
  return eventBridgeBus({ name: bus.name });
};

/**
 * The handler of the relay's function. It answers how many rows it took.
 *
 * It fails when the store does, so that the stream calls again and the failure is seen in Lambda's own metrics; what
 * the bus refuses or fails to take is settled row by row and fails nothing.
 *
 * @example export const handler = lambdaRelay(({ store }) => [systemClock, randomIds, secrets, dynamodbStore(schema)]);
 */
export const lambdaRelay = (choose: Choose) => {
  const open = container(['clock', 'ids', 'log', 'metrics', 'store'], choose);
  let step: ReturnType<typeof relayStep> | undefined;
  return stack('perfect21', async (_event: unknown, context) => {
    const { ports } = await open();
    step ??= relayStep(ports, openBus());
    let relayed = 0;
    while (context.getRemainingTimeInMillis() > STEP_MS) {
      const taken = await step();
      if (taken === 0) break;
      relayed += taken;
    }
    return { relayed };
  });
};
