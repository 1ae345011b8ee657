/** `topology diff` and `topology apply`. */
import type { BusOperations } from '../../../shared/messaging/operate.ts';
import type { Command, Option, Values } from '../command.ts';
import type { Operator } from '../operator.ts';

const OPTIONS: Readonly<Record<string, Option>> = {
  management: {
    type: 'string',
    value: '<url>',
    help: 'on RabbitMQ: the management plugin, http://user:password@host:15672; it alone can list bindings',
  },
  prefix: { type: 'string', value: '<name>', help: 'on EventBridge: what the queues of the deployment begin with' },
};

const open = ({ bus }: Operator, { management, prefix }: Values): Promise<BusOperations> =>
  bus({ management: management as string | undefined, prefix: prefix as string | undefined });

/** Prints what differs; 1 if something does. */
const compare = async (operator: Operator, operations: BusOperations): Promise<number> => {
  const { out } = operator;
  const { differences, unknown } = await operations.compare();
  for (const each of differences) {
    out.row(each, `${each.kind}: ${each.what}${each.detail ? ` (${each.detail})` : ''}`);
  }
  if (differences.length === 0) {
    const same = unknown ? `exchanges and queues of ${operations.name} are` : `${operations.name} is`;
    out.note(`${same} as the code says`);
  }
  if (unknown) out.note(`not compared: ${unknown}`);
  return differences.length > 0 ? 1 : 0;
};

const diff: Command = {
  name: 'topology diff',
  summary: 'Says what of exchanges, queues, bindings and rules is missing, different or left over. Changes nothing.',
  details: ['Exit code 1 when something is. What could not be compared is said, and counts for nothing.'],
  options: OPTIONS,
  run: async (operator, values) => compare(operator, await open(operator, values)),
};

const apply: Command = {
  name: 'topology apply',
  summary: 'Makes what is missing and mends what can be mended without losing messages, then compares.',
  details: [
    'On RabbitMQ it declares all; a queue with other arguments has to be emptied and deleted by hand.',
    'On EventBridge it mends rules; missing queues and rules belong to the stack and come with "npm run deploy".',
  ],
  options: {
    ...OPTIONS,
    prune: { type: 'boolean', help: 'also take away bindings and rules that the code does not name any more' },
  },
  run: async (operator, values) => {
    const operations = await open(operator, values);
    for (const line of await operations.apply({ prune: !!values.prune })) operator.out.row({ done: line }, line);
    return compare(operator, operations);
  },
};

export const topologyCommands: readonly Command[] = [diff, apply];
