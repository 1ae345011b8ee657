/**
 * Broadcasts over EventBridge: a process makes a queue and a rule of its own, and removes them when it stops.
 *
 * The rule's description says until when its process will have been heard of; what a killed one left behind is removed by
 * the others after that. The rights that it takes are those of infra/generated/processes.yml.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { EventBridgeClient, type EventBridgeClientConfig, ListRulesCommand } from '@aws-sdk/client-eventbridge';
import { DeleteMessageBatchCommand, type Message, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import type { Ports } from '../../ports/index.ts';
import { publishDelay, unitRandom } from '../backoff.ts';
import type { Hearing, Listener } from '../hearing.ts';
import { type AwsClients, HEARS, makeOwnQueue, putOwnRule, removeOwnQueue } from './own-queue.ts';
import { openSqs } from './sqs.ts';
import { passingOf } from './tail.ts';

/** How long a process is believed to be there, and how often it says so, ms. */
const HOLDS_MS = 60 * 60_000;
const AGAIN_MS = 20 * 60_000;
/** A fresh rule takes AWS up to a minute to heed. */
const HEEDED_MS = 60_000;
const WAIT_S = 10;

const description = (until: number): string =>
  `Broadcasts for one process, which is there until ${new Date(until).toISOString()}`;
const untilOf = (text = ''): number => Date.parse(/until (\S+)$/.exec(text)?.[1] ?? '') || 0;

/** Removes what killed processes left behind. */
const sweep = async (clients: AwsClients, bus: string, now: number): Promise<void> => {
  let NextToken: string | undefined;
  do {
    const asked = new ListRulesCommand({ EventBusName: bus, NamePrefix: HEARS, NextToken });
    const page: { Rules?: { Name?: string; Description?: string }[]; NextToken?: string } =
      await clients.events.send(asked);
    for (const { Name, Description } of page.Rules ?? [])
      if (Name && untilOf(Description) < now) await removeOwnQueue(clients, bus, Name);
    NextToken = page.NextToken;
  } while (NextToken);
};

/**
 * Brings broadcasts to this process. Regions, credentials and endpoints as the SDK finds them, unless `options` say
 * otherwise.
 */
export const listenOnEventBridge = (
  bus: string,
  { clock, ids, log }: Pick<Ports, 'clock' | 'ids' | 'log'>,
  listener: Listener,
  {
    wait_s = WAIT_S,
    heeded_ms = HEEDED_MS,
    options = {},
  }: { wait_s?: number; heeded_ms?: number; options?: EventBridgeClientConfig } = {},
): Hearing => {
  const stopping = new AbortController();
  const { signal } = stopping;
  const name = `${HEARS}${ids.uuid()}`;
  let clients: AwsClients | undefined;
  let heeding: NodeJS.Timeout | undefined;

  const receive = async ({ sqs }: AwsClients, QueueUrl: string): Promise<void> => {
    const request = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: wait_s });
    const Messages: Message[] = (await sqs.send(request, { abortSignal: signal })).Messages ?? [];
    for (const message of Messages) {
      const event = passingOf(message);
      if (event) listener.deliver(event);
      else log.warn('broadcast.refused', { reason: 'invalid envelope' });
    }
    const Entries = Messages.map(({ ReceiptHandle }, at) => ({ Id: String(at), ReceiptHandle }));
    if (Entries.length) await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  };

  /** One life of the queue; ends when it fails. */
  const live = async (): Promise<void> => {
    clients ??= {
      events: new EventBridgeClient({ maxAttempts: 3, ...options }),
      sqs: await openSqs({ requestHandler: { requestTimeout: (wait_s + 10) * 1_000 } }),
    };
    await sweep(clients, bus, clock.now());
    let said = clock.now();
    const url = await makeOwnQueue(clients, bus, name, listener.bindings, description(said + HOLDS_MS));
    listener.connected();
    heeding = setTimeout(() => listener.connected(), heeded_ms).unref();
    while (!signal.aborted) {
      await receive(clients, url);
      if (clock.now() - said < AGAIN_MS) continue;
      said = clock.now();
      await putOwnRule(clients, bus, name, listener.bindings, description(said + HOLDS_MS));
      await sweep(clients, bus, said);
    }
  };
  const run = async (): Promise<void> => {
    for (let failures = 1; !signal.aborted; failures++) {
      await live().catch((cause) => {
        if (signal.aborted) return;
        if (failures === 1) log.error('bus.away', { link: 'broadcasts', detail: (cause as Error).message });
        listener.missed();
      });
      clearTimeout(heeding);
      if (!signal.aborted)
        await sleep(publishDelay(failures, unitRandom(ids)), undefined, { signal, ref: false }).catch(() => {});
    }
  };
  const running = run();

  return {
    stop: async () => {
      stopping.abort();
      await running;
      if (!clients) return;
      await removeOwnQueue(clients, bus, name).catch((cause) => log.warn('broadcast.left_behind', { name, cause }));
      clients.sqs.destroy();
      clients.events.destroy();
    },
  };
};
