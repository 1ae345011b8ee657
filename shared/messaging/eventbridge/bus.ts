/**
 * EventBridge as the bus: rules of the stack bring an event to the SQS queues that want it, and functions consume them.
 *
 * EventBridge does not say whether a rule took an event, so nothing is ever called unroutable here.
 */
import type { EventBridgeClientConfig, PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import type { Claimed } from '../../ports/store.ts';
import type { Bus, Outcome } from '../bus.ts';
import { entryOf, requestsOf } from './entry.ts';

/** Milliseconds of one try. Three tries have to end before the relay's claims do. */
const TRY_MS = 3_000;

/**
 * What EventBridge says of an entry that it takes at no time. Everything else passes, or is about the deployment (a
 * missing right, a missing bus): there the events wait in the outbox until it is mended.
 *
 * Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
 */
const PERMANENT = new Set(['InvalidArgument', 'MalformedDetail', 'ValidationException', 'ValidationError']);

interface Pending {
  /** Its place among the rows. */
  at: number;
  entry: PutEventsRequestEntry;
}

const outcomeOf = (code: string, cause?: unknown): Outcome =>
  PERMANENT.has(code)
    ? { kind: 'refused', reason: `EventBridge refused it: ${code}` }
    : { kind: 'failed', error: cause ?? new Error(`EventBridge: ${code}`) };

export interface EventBridgeBus extends Bus {
  close(): Promise<void>;
}

/**
 * Opens the bus. Region, credentials and endpoint (AWS_ENDPOINT_URL_EVENTBRIDGE) come from the SDK's default chain
 * unless `options` say otherwise.
 *
 * @example const bus = eventBridgeBus({ name: 'perfect21-events' }); startRelay(host.ports, bus); … await bus.close();
 */
export const eventBridgeBus = ({ name, options }: { name: string; options?: EventBridgeClientConfig }) => {
  const open = async () => {
    const { EventBridgeClient, PutEventsCommand } = await import('@aws-sdk/client-eventbridge');
    const client = new EventBridgeClient({
      // a repetition may double events, which consumers bear
      maxAttempts: 3,
      requestHandler: { connectionTimeout: 1_000, requestTimeout: TRY_MS, throwOnRequestTimeout: true },
      ...options,
    });
    return {
      put: (Entries: PutEventsRequestEntry[]) => client.send(new PutEventsCommand({ Entries })),
      close: () => client.destroy(),
    };
  };
  let opening: ReturnType<typeof open> | undefined;

  const send = async (request: readonly Pending[], outcomes: Outcome[]): Promise<void> => {
    try {
      opening ??= open();
      const { Entries = [] } = await (await opening).put(request.map(({ entry }) => entry));
      for (const [i, { at }] of request.entries()) {
        const { EventId, ErrorCode } = Entries[i] ?? {};
        outcomes[at] = EventId ? { kind: 'published' } : outcomeOf(ErrorCode ?? 'no answer');
      }
    } catch (cause) {
      const outcome = outcomeOf((cause as Error).name, cause);
      // one entry spoils the request for all: each by itself shows which
      if (outcome.kind === 'refused' && request.length > 1) for (const each of request) await send([each], outcomes);
      else for (const { at } of request) outcomes[at] = outcome;
    }
  };

  const bus: EventBridgeBus = {
    name: 'eventbridge',
    outside: true,
    publish: async (rows: readonly Claimed[]) => {
      const outcomes: Outcome[] = [];
      const pending: Pending[] = [];
      for (const [at, row] of rows.entries()) {
        const entry = entryOf(row, name);
        if (typeof entry === 'string') outcomes[at] = { kind: 'refused', reason: entry };
        else pending.push({ at, entry });
      }
      // no two rows of a claim are of one user, so nothing has to wait for anything
      await Promise.all(requestsOf(pending).map((request) => send(request, outcomes)));
      return outcomes;
    },
    close: async () => (await opening)?.close(),
  };
  return bus;
};
