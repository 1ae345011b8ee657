/** What a process tells of the absences of its broker: a line for each, however many connections lose it. */
import type { Log } from '../../ports/log.ts';
import { explain } from './connection.ts';

const WAITING = 'events wait in the outbox until it is there';

export interface Absences {
  /** A connection could not be made, or was lost. */
  away(link: string, cause: unknown): void;
  back(link: string): void;
  /** Resolves when each of the connections has been there once or has been told of as away, and after `ms` at the latest. */
  tried(ms: number): Promise<void>;
}

/**
 * Tells of the absences: as a warning while the broker is only not there, as an error where somebody has to do something
 * (a login or a topology is refused). What was said of an absence is not said again.
 *
 * @param links how many connections there are
 * @param waiting what becomes of events meanwhile
 */
export const absences = (log: Log, links: number, waiting: string = WAITING): Absences => {
  const said = new Set<string>();
  const without = new Set<string>();
  const heard = new Set<string>();
  let settle: () => void = () => {};
  const settled = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const hear = (link: string): void => {
    heard.add(link);
    if (heard.size === links) settle();
  };
  const tell = (detail: string): void => {
    if (said.has(detail)) return;
    said.add(detail);
    if (detail.startsWith('RabbitMQ is away')) log.warn('bus.away', { detail: `${detail}; ${waiting}` });
    else log.error('bus.away', { detail });
  };
  return {
    away: (link, cause) => {
      without.add(link);
      tell(explain(cause));
      hear(link);
    },
    back: (link) => {
      without.delete(link);
      hear(link);
      if (without.size > 0 || said.size === 0) return;
      said.clear();
      log.info('bus.connected');
    },
    tried: async (ms) => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<'late'>((resolve) => {
        timer = setTimeout(() => resolve('late'), ms);
      });
      if ((await Promise.race([settled, late])) === 'late') tell('RabbitMQ is away: it does not answer');
      clearTimeout(timer);
    },
  };
};
