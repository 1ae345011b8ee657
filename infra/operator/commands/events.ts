/** `events tail` and `events publish`. */
import { text } from 'node:stream/consumers';
import type * as z from 'zod';
import { catalogue } from '../../../functions/events.ts';
import { toOutboxRow } from '../../../shared/kit/bound-store.ts';
import type { Context } from '../../../shared/kit/context.ts';
import { continueTrace } from '../../../shared/kit/trace.ts';
import type { Passing } from '../../../shared/messaging/operate.ts';
import { isBinding } from '../../../shared/messaging/topic.ts';
import type { Claimed, NewMessage } from '../../../shared/ports/store.ts';
import { type Command, countOf, durationOf } from '../command.ts';
import { masked, plain } from '../output.ts';
import { Refusal, UsageError } from '../refusal.ts';

const shown = ({ routing_key, priority, envelope }: Passing): Record<string, unknown> => {
  const { timestamp, message_id, message_type, source_service, user_id, correlation_id } = envelope;
  return {
    ...{ timestamp, routing_key, priority, message_id, message_type, source_service, user_id, correlation_id },
  };
};

const tail: Command = {
  name: 'events tail',
  positionals: '[binding]',
  summary: 'Shows events as they pass',
  details: [
    'Until Ctrl-C. A binding chooses: "user.events.*", "security.#"; all when left out.',
    'Events that passed before it was ready are not shown. EventBridge may take a minute to heed a new rule.',
  ],
  options: {
    limit: { type: 'string', value: '<n>', help: 'end after so many' },
    data: { type: 'boolean', help: 'show payloads too, secrets masked' },
    unmask: { type: 'boolean', help: 'with --data: secrets as they are' },
  },
  run: async ({ bus, out, signal }, values, [binding = '#']) => {
    if (!isBinding(binding)) throw new UsageError(`"${binding}" is no binding`);
    const limit = countOf(values, 'limit') ?? Number.POSITIVE_INFINITY;
    const enough = new AbortController();
    let count = 0;
    const show = (event: Passing): void => {
      if (count++ >= limit) return;
      const { data } = event.envelope;
      const more = values.data ? { data: values.unmask ? data : masked(data) } : {};
      const fields = shown(event);
      const { timestamp, routing_key, message_id, source_service, user_id } = fields;
      const line = [timestamp, String(routing_key).padEnd(34), message_id, source_service, user_id].filter(Boolean);
      const payload = values.data ? `\n${JSON.stringify(more.data)}` : '';
      out.row({ ...fields, ...more }, plain(line.join('  ')) + payload);
      if (count >= limit) enough.abort();
    };
    const operations = await bus();
    const ready = (): void => out.note(`showing ${binding} on ${operations.name}; Ctrl-C ends`);
    await operations.tail(binding, show, AbortSignal.any([signal, enough.signal]), ready);
    return 0;
  },
};

const readData = async (given: string | undefined): Promise<unknown> => {
  const source = given === undefined || given === '-' ? await text(process.stdin) : given;
  try {
    return JSON.parse(source);
  } catch {
    throw new UsageError('the data is not JSON');
  }
};

const contextOf = (request_id: string): Context => ({
  request_id,
  trace: continueTrace(),
  caller: { kind: 'service', name: 'operator', permissions: [] },
  client: {},
  door: 'local',
});

const publish: Command = {
  name: 'events publish',
  positionals: '<type> [json|-]',
  summary: 'Publishes an event of the catalogue',
  details: [
    'The data comes from the argument or, for - or nothing, from standard input.',
    'Routing key, priority and the form of the data are those of the catalogue. It ends when the bus has taken it.',
  ],
  options: {
    user: { type: 'string', value: '<id>', help: 'the user whom it is about' },
    outbox: { type: 'boolean', help: 'leave it in the outbox, from where the platform publishes it' },
    delay: { type: 'string', value: '<time>', help: 'publish it so much later (90s, 15m), by the outbox' },
  },
  run: async ({ bus, store, light, out }, values, [type = '', given]) => {
    const event = catalogue.find((each) => each.type === type);
    if (!event)
      throw new UsageError(`the catalogue has no event "${type}": ${catalogue.map((each) => each.type).join(', ')}`);
    const data = await readData(given);
    const checked = event.data.safeParse(data);
    if (!checked.success) {
      const { issues: wrong } = checked.error as z.ZodError;
      const issues = wrong.map(({ path, message }) => `${['data', ...path].join('.')}: ${message}`);
      throw new UsageError(`this is no ${type}: ${issues.join('; ')}`);
    }
    const ports = await light();
    const delay_ms = durationOf(values, 'delay');
    const user_id = values.user as string | undefined;
    const origin = { service: 'operator', context: contextOf(ports.ids.uuid()) };
    const row: NewMessage = toOutboxRow({ event, data, user_id, delay_ms }, ports, origin);
    const told = { message_id: row.id, message_type: type, routing_key: event.key, priority: row.priority ?? 0 };
    const say = (result: string): number => {
      out.row({ ...told, result }, `${result} ${type} ${row.id}, routing key ${event.key}, priority ${told.priority}`);
      return 0;
    };
    if (values.outbox || delay_ms) {
      await (await store()).transact([], { enqueue: [row] });
      return say('in the outbox:');
    }
    const claimed: Claimed = { ...row, priority: told.priority, attempts: 1, claim: '' };
    const outcome = await (await bus()).publish(claimed);
    if (outcome.kind === 'failed') throw outcome.error;
    if (outcome.kind === 'refused') throw new Refusal(`the bus refused it: ${outcome.reason}`);
    return say(outcome.unroutable ? 'published, but no queue is bound:' : 'published');
  },
};

export const eventCommands: readonly Command[] = [tail, publish];
