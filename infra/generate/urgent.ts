/**
 * Queues with an urgent twin: SQS knows no priorities, so events of priority 7 and above get a queue and an event source
 * of their own, where nothing else waits before them. Only queues to which such an event can come have one.
 */
import { catalogue } from '../../functions/events.ts';
import type { EventType } from '../../shared/kit/event.ts';
import { URGENT } from '../../shared/messaging/eventbridge/routing.ts';
import { match } from '../../shared/messaging/topic.ts';
import { consumedQueues } from './platform.ts';

/** The values of a field of which there are few. */
const choicesOf = (schema: any): unknown[] => {
  const { type, innerType } = schema.def;
  if (innerType) return choicesOf(innerType);
  if (type === 'enum') return schema.options;
  return type === 'boolean' ? [true, false] : [];
};

/**
 * The priorities that an event can have, found by trying each choice in its payload. One that depends on anything else
 * is not found: its events then wait with the others, which loses none.
 */
export const prioritiesOf = ({ data, priority }: EventType<string, any>): Set<number> => {
  const samples: object[] = [{}];
  for (const [field, schema] of Object.entries((data as any).shape ?? {})) {
    for (const choice of choicesOf(schema)) samples.push({ [field]: choice });
  }
  return new Set(samples.map((sample) => priority(sample)).filter(Number.isInteger));
};

/** The names of the queues that have a twin. */
export const urgentQueues: ReadonlySet<string> = new Set(
  consumedQueues
    .filter(({ bindings, handlers }) =>
      catalogue.some(
        (event) =>
          handlers.has(event.type) &&
          bindings.some((binding) => match(binding, event.key)) &&
          [...prioritiesOf(event)].some((priority) => priority >= URGENT),
      ),
    )
    .map(({ name }) => name),
);
