/** An outbox row as an entry of PutEvents, and entries as requests that EventBridge takes. */
import type { PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import type { Claimed } from '../../ports/store.ts';
import { toXray } from '../../tracing/xray.ts';
import { readOutboxBody } from '../bus.ts';
import { routingOf, urgencyOf } from './routing.ts';

/** Entries of one request. */
export const MAX_ENTRIES = 10;
/** Bytes of one request, and so of one entry. AWS takes more since 2026; the contract promises this much on every bus. */
export const MAX_BYTES = 256 * 1024;

/**
 * What an entry counts for, in bytes.
 *
 * Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html (calculating event entry sizes)
 */
export const sizeOf = ({ Time, Source = '', DetailType = '', Detail = '', Resources = [] }: PutEventsRequestEntry) =>
  [Source, DetailType, Detail, ...Resources].reduce((sum, text) => sum + Buffer.byteLength(text), Time ? 14 : 0);

/** The entry of a row: its envelope, and what rules ask about beside it. The reason as text when no bus could carry it. */
export const entryOf = (row: Claimed, bus: string): PutEventsRequestEntry | string => {
  const body = readOutboxBody(row.body);
  if (!body) return 'not an event';
  const { envelope, routing_key, priority } = body;
  const traceHeader = toXray(envelope.metadata?.traceparent);
  const entry = {
    EventBusName: bus,
    Source: `perfect21.${envelope.source_service}`,
    DetailType: envelope.message_type,
    Time: new Date(envelope.timestamp),
    Detail: JSON.stringify({ ...envelope, routing: { ...routingOf(routing_key), ...urgencyOf(priority) } }),
    ...(traceHeader && { TraceHeader: traceHeader }),
  };
  return sizeOf(entry) > MAX_BYTES ? 'too large' : entry;
};

/** Entries in as few requests as their order allows. */
export const requestsOf = <E extends { entry: PutEventsRequestEntry }>(entries: readonly E[]): E[][] => {
  const requests: E[][] = [];
  let left = 0;
  for (const each of entries) {
    const size = sizeOf(each.entry);
    const request = requests.at(-1);
    if (request && request.length < MAX_ENTRIES && size <= left) {
      request.push(each);
      left -= size;
    } else {
      requests.push([each]);
      left = MAX_BYTES - size;
    }
  }
  return requests;
};
