/**
 * Says when the relay of the outbox has to look again, so that an event with a delay is on time: by SQS's own delay up to
 * fifteen minutes, by a one-time schedule of EventBridge Scheduler beyond. The events stay in the outbox; an alarm that is
 * lost makes one a minute late, and one that rings twice does nothing.
 */
import type { SchedulerClientConfig } from '@aws-sdk/client-scheduler';
import type { SQSClientConfig } from '@aws-sdk/client-sqs';
import type { Claimed } from '../../ports/store.ts';
import { openSqs, sqsQueue } from './sqs.ts';

/** Seconds that a message of SQS may wait. */
export const LONGEST_SQS_DELAY_S = 900;
const MINUTE_MS = 60_000;
/** What rings this much later, in ms, is set again to the second when a schedule rang: schedules keep to the minute. */
const SOON_MS = 3 * MINUTE_MS;

export interface AlarmSettings {
  /** The queue whose messages call the relay. */
  queue_url: string;
  queue_arn: string;
  /** What Scheduler writes to it as, and the group of its schedules. */
  role_arn: string;
  group: string;
}

/** Which waiting events a call of the relay is about: some by id, or those that are due soon. */
export type Asked = { ids: ReadonlySet<string> } | 'soon';

/** What a message of the queue tells the relay. */
const SOON = JSON.stringify({ look: 'soon' });
export const rangSoon = (body: string): boolean => body === SOON;

export interface Alarm {
  /** Sets the alarms for rows that are not due yet. */
  set(rows: readonly Claimed[], asked: Asked, now: number): Promise<void>;
}

/** Opens it. Region, credentials and endpoints come from the SDK's default chain, `options` aside. */
export const relayAlarm = (
  settings: AlarmSettings,
  options: { sqs?: SQSClientConfig; scheduler?: SchedulerClientConfig } = {},
): Alarm => {
  const { queue_url, queue_arn, role_arn, group } = settings;
  const openQueue = async () => sqsQueue(await openSqs(options.sqs), { url: queue_url, name: 'due' });
  const openScheduler = async () => {
    const { SchedulerClient, CreateScheduleCommand } = await import('@aws-sdk/client-scheduler');
    const client = new SchedulerClient({ maxAttempts: 3, ...options.scheduler });
    return (name: string, at: number) =>
      client.send(
        new CreateScheduleCommand({
          Name: name,
          GroupName: group,
          ScheduleExpression: `at(${new Date(at).toISOString().slice(0, 19)})`,
          ScheduleExpressionTimezone: 'UTC',
          FlexibleTimeWindow: { Mode: 'OFF' },
          ActionAfterCompletion: 'DELETE',
          Target: { Arn: queue_arn, RoleArn: role_arn, Input: SOON },
        }),
      );
  };
  let queue: ReturnType<typeof openQueue> | undefined;
  let scheduler: ReturnType<typeof openScheduler> | undefined;

  /** One schedule serves all that is due in its minute: it rings a minute before. */
  const schedule = async (minute: number): Promise<void> => {
    scheduler ??= openScheduler();
    try {
      await (await scheduler)(`outbox-${minute}`, (minute - 1) * MINUTE_MS);
    } catch (thrown) {
      if ((thrown as Error).name !== 'ConflictException') throw thrown;
    }
  };

  return {
    set: async (rows, asked, now) => {
      const due = rows
        .filter(({ id, available_at }) => (asked === 'soon' ? available_at <= now + SOON_MS : asked.ids.has(id)))
        .map(({ available_at }) => available_at)
        .filter((at) => at > now);
      const inSeconds = (at: number): number => Math.ceil((at - now) / 1000);
      const near = new Set(due.map(inSeconds).filter((seconds) => seconds <= LONGEST_SQS_DELAY_S));
      const far = new Set(
        due.filter((at) => inSeconds(at) > LONGEST_SQS_DELAY_S).map((at) => Math.floor(at / MINUTE_MS)),
      );
      queue ??= openQueue();
      const own = await queue;
      await Promise.all([...[...near].map((seconds) => own.send('{}', seconds)), ...[...far].map(schedule)]);
    },
  };
};
