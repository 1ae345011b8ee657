/**
 * One long-lived connection that comes back by itself: exponential backoff with jitter, and everything on it made anew
 * by `setup` before anybody may use it. amqplib's own recovery restores no channels, so it would not help.
 */
import type { ChannelModel } from 'amqplib';
import type { Ports } from '../../ports/index.ts';
import { unitRandom } from '../backoff.ts';
import type { Absences } from './absence.ts';
import { destroy, open } from './connection.ts';
import type { RabbitSettings } from './settings.ts';

const SETUP_MS = 20_000;
const BACKOFF = { from: 250, to: 5_000 };

export type LinkPorts = Pick<Ports, 'log' | 'ids' | 'metrics'>;

export interface Link {
  ready(): boolean;
  /** Calls back each time it becomes ready. Returns how to stop. */
  onReady(listener: () => void): () => void;
  /** Gives the current connection up; it is made anew. */
  renew(cause: Error): void;
  close(): Promise<void>;
}

/**
 * Keeps a connection up until `close`.
 *
 * @param absences hears when it is away and when it is back
 * @param setup makes channels, topology and consumers on a fresh connection; a rejection gives the connection up
 * @param lost hears that the connection is gone and nothing on it may be used any more
 */
export const startLink = (
  name: string,
  settings: RabbitSettings,
  { ids, metrics }: Pick<Ports, 'ids' | 'metrics'>,
  absences: Absences,
  { setup, lost }: { setup(model: ChannelModel): Promise<void>; lost(cause: Error): void },
): Link => {
  const listeners = new Set<() => void>();
  let current: ChannelModel | undefined;
  let giveUp: (cause: Error) => void = () => {};
  let ready = false;
  let closing = false;
  let resume = (): void => {};

  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      timer.unref();
      resume = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  /** Resolves never; rejects with why the connection ended. */
  const ending = (model: ChannelModel): Promise<never> =>
    new Promise((_, reject) => {
      giveUp = reject;
      model.on('error', reject);
      model.on('handler-error', reject);
      model.on('close', (cause?: Error) => reject(cause ?? new Error('the connection was closed')));
    });

  const live = async (): Promise<void> => {
    current = await open(settings, name);
    const ended = ending(current);
    ended.catch(() => {});
    if (closing) throw new Error('closing');
    const late = setTimeout(() => giveUp(new Error(`no topology within ${SETUP_MS} ms`)), SETUP_MS);
    await Promise.race([setup(current), ended]).finally(() => clearTimeout(late));
    ready = true;
    metrics.gauge('perfect21_bus_connected', { link: name }, 1);
    absences.back(name);
    for (const listener of listeners) listener();
    await ended;
  };

  const run = async (): Promise<void> => {
    let wait = BACKOFF.from;
    while (!closing) {
      await live().catch((cause: Error) => {
        if (ready) wait = BACKOFF.from;
        ready = false;
        lost(cause);
        destroy(current);
        current = undefined;
        metrics.gauge('perfect21_bus_connected', { link: name }, 0);
        if (!closing) absences.away(name, cause);
      });
      if (closing) break;
      await pause(wait * (0.5 + unitRandom(ids)));
      wait = Math.min(wait * 2, BACKOFF.to);
    }
  };
  const running = run();

  return {
    ready: () => ready,
    onReady: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    renew: (cause) => giveUp(cause),
    close: async () => {
      closing = true;
      resume();
      if (current && ready) {
        const closed = current.close().catch(() => {});
        await Promise.race([closed, running, pause(2_000)]);
      }
      giveUp(new Error('closing'));
      destroy(current);
      await running;
    },
  };
};
