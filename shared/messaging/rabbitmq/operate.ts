/** What an operator can do with RabbitMQ. */
import type { Ports } from '../../ports/index.ts';
import type { BusOperations, Difference, LetterBox } from '../operate.ts';
import type { Topology } from '../topology.ts';
import { compareBindings, compareNames, listBindings } from './compare.ts';
import { explain } from './connection.ts';
import { rabbitLetters } from './letters.ts';
import { rowPublisher } from './publisher.ts';
import { inSession, type Session } from './session.ts';
import { EVENTS, type RabbitSettings } from './settings.ts';
import { tail } from './tail.ts';
import { declare } from './topology.ts';

export interface RabbitOperationsOptions {
  /** The store's dead letters: what the relay refused. */
  others?: readonly LetterBox[];
  /** `http://user:password@host:15672` of the management plugin, which alone can list bindings. */
  management?: string;
}

const UNKNOWN = 'bindings: only the management plugin can list them (--management http://user:password@host:15672)';

export const operateRabbit = (
  settings: RabbitSettings,
  topology: Topology,
  ports: Pick<Ports, 'log' | 'metrics'>,
  { others = [], management }: RabbitOperationsOptions = {},
): BusOperations => {
  const vhost = decodeURIComponent(new URL(settings.url).pathname.slice(1)) || '/';
  const session = <T>(work: (session: Session) => Promise<T>): Promise<T> => inSession(settings, work);

  return {
    name: 'RabbitMQ',
    publish: (row) =>
      session(async ({ sender }) => {
        const [outcome] = await rowPublisher(sender, topology, ports)([row]);
        return outcome!;
      }),
    tail: (binding, show, signal, ready) => session((own) => tail(own, binding, show, signal, ready)),
    letters: [rabbitLetters(session, settings), ...others],
    compare: async () => {
      const found = await session((own) => compareNames(own, topology, settings));
      if (!management) return { differences: found, unknown: UNKNOWN };
      const { missing, left } = compareBindings(topology, await listBindings(management, vhost));
      const bindings = (kind: Difference['kind'], list: typeof left): Difference[] =>
        list.map(({ queue, key }) => ({ kind, what: `binding ${queue} ← ${key}` }));
      return { differences: [...found, ...bindings('missing', missing), ...bindings('left over', left)] };
    },
    apply: async ({ prune }) => {
      if (prune && !management) throw new RangeError(UNKNOWN);
      const left = prune ? compareBindings(topology, await listBindings(management!, vhost)).left : [];
      return session(async ({ channel }) => {
        await declare(channel, topology, settings);
        for (const { queue, key } of left) await channel.unbindQueue(queue, EVENTS, key);
        return [
          `declared ${topology.queues.length} queues with their bindings, retries and dead letters`,
          ...left.map(({ queue, key }) => `removed binding ${queue} ← ${key}`),
        ];
      });
    },
    explain,
    close: async () => {},
  };
};
