/**
 * The relay as a function: it brings what waits in the outbox to the bus until nothing can be claimed or its time ends.
 *
 * Three things call it. The stream of the messages table, right after a commit: the records say only that it is time to
 * look, what is published comes from claims. An alarm, when an event with a delay is due: it is set when the stream told
 * of a row that this container has not taken, as it could not be claimed yet. And a schedule, each minute: it finds what else became due (rows that were given
 * back after a failure). All may run at once, beside each other and beside workers.
 */
import { loadConfig } from '../../config/config.ts';
import { StartError } from '../../config/start-error.ts';
import { sealAudit } from '../../kit/audit-chain.ts';
import { trimAudit } from '../../kit/audit-trim.ts';
import { OUTBOX } from '../../kit/event.ts';
import { type Alarm, type Asked, rangSoon, relayAlarm } from '../../messaging/eventbridge/alarm.ts';
import { eventBridgeBus } from '../../messaging/eventbridge/bus.ts';
import { gaugeQueue } from '../../messaging/measures.ts';
import { relayStep } from '../../messaging/relay.ts';
import { type Choose, container } from './container.ts';
import { stack } from './lambda.ts';

/** Milliseconds that a step may need: three tries of the bus, and settling. No step is begun with less. */
const STEP_MS = 15_000;

const isScheduled = (event: unknown): boolean =>
  (event as { 'detail-type'?: unknown } | null)?.['detail-type'] === 'Scheduled Event';

/** Rows that a look at what waits reads. Of more waiting events the latest are found by the schedule. */
const WAITING = 250;

/** Ids of rows that a container remembers to have taken. */
const REMEMBERED = 1_000;

/** The rows taken last. The stream tells of many after an earlier call took them: nothing has to be looked for then. */
const takenLately = () => {
  const ids = new Set<string>();
  return {
    has: (id: string): boolean => ids.has(id),
    add: (rows: readonly { id: string }[]): void => {
      for (const { id } of rows) ids.add(id);
      for (const id of ids) {
        if (ids.size <= REMEMBERED) break;
        ids.delete(id);
      }
    },
  };
};

/** What a call asks of the alarm: nothing, if all that the stream told of was taken. */
const askedBy = (event: unknown, taken: { has(id: string): boolean }): Asked | undefined => {
  const { Records: records } = (event ?? {}) as { Records?: StreamOrQueueRecord[] };
  if (!Array.isArray(records)) return undefined;
  if (records.some(({ body }) => body !== undefined && rangSoon(body))) return 'soon';
  const ids = records.flatMap(({ dynamodb }) => dynamodb?.Keys?.id?.S ?? []).filter((id) => !taken.has(id));
  return ids.length > 0 ? { ids: new Set(ids) } : undefined;
};
interface StreamOrQueueRecord {
  body?: string;
  dynamodb?: { Keys?: { id?: { S?: string } } };
}

/** None where the stack makes no queue for it: an emulator. */
const openAlarm = (): Alarm | undefined => {
  const { DUE_QUEUE_URL: queue_url, DUE_QUEUE_ARN: queue_arn, DUE_ROLE_ARN: role_arn, DUE_GROUP: group } = process.env;
  return queue_url && queue_arn && role_arn && group
    ? relayAlarm({ queue_url, queue_arn, role_arn, group })
    : undefined;
};

const openBus = () => {
  const { bus } = loadConfig(process.env);
  if (bus.engine !== 'eventbridge') throw new StartError('BUS_URL names no EventBridge: use eventbridge://<bus>');
  return eventBridgeBus({ name: bus.name });
};

/**
 * The handler of the relay's function. It answers how many rows it took.
 *
 * It fails when the store does, so that the stream calls again and the failure is seen in Lambda's own metrics; what
 * the bus refuses or fails to take is settled row by row and fails nothing. What then waits is measured each minute.
 *
 * @example export const handler = lambdaRelay(({ store }) => [systemClock, randomIds, secrets, dynamodbStore(schema)]);
 */
export const lambdaRelay = (choose: Choose) => {
  const open = container(['clock', 'ids', 'log', 'metrics', 'settings', 'store'], choose);
  let step: ReturnType<typeof relayStep> | undefined;
  let alarm: Alarm | undefined;
  const lately = takenLately();
  const stacked = stack('perfect21', async (event: unknown, context) => {
    const { ports } = await open();
    step ??= relayStep(ports, openBus(), lately.add);
    let relayed = 0;
    while (context.getRemainingTimeInMillis() > STEP_MS) {
      const taken = await step();
      if (taken === 0) break;
      relayed += taken;
    }
    const asked = askedBy(event, lately);
    alarm ??= asked && openAlarm();
    if (asked && alarm) {
      try {
        await alarm.set(await ports.store.messages.peek(OUTBOX, WAITING), asked, ports.clock.now());
      } catch (cause) {
        // the schedule finds it, a minute late at most
        ports.log.warn('outbox.alarm_failed', { cause });
      }
    }
    if (isScheduled(event)) {
      await sealAudit(ports.store);
      await trimAudit(ports, ports.settings.audit_kept * 1_000);
      await gaugeQueue(ports, OUTBOX);
    }
    return { relayed };
  });
  return Object.assign(stacked, { open });
};
