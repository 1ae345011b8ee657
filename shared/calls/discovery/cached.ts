/** A registry's answers, kept for 30 seconds, and longer only while the registry is away. */
import { AppError } from '../../kit/errors.ts';
import { publishDelay, unitRandom } from '../../messaging/backoff.ts';
import type { Ports } from '../../ports/index.ts';
import type { Discovery, Instance, Registry } from './discovery.ts';
import { following } from './following.ts';
import { questionsTo } from './questions.ts';

/** An answer older than this is not given, unless the registry can't be asked. Milliseconds, as all of these. */
export const TTL_MS = 30_000;
/** From this age on an answer is replaced in the background, so that callers do not wait. */
export const REFRESH_MS = 20_000;
/** The longest pause after a failed look-up: so much later than the registry we are back at most. */
export const MAX_PAUSE_MS = 5_000;

export type CachePorts = Pick<Ports, 'clock' | 'ids' | 'log' | 'metrics'>;
type Listener = (instances: readonly Instance[]) => void;

interface Entry {
  answer?: { instances: readonly Instance[]; at: number };
  asking?: Promise<readonly Instance[]>;
  /** Look-ups that failed since the last answer. */
  failures: number;
  failedAt: number;
  /** To wait after the last failure. */
  pause: number;
  listeners: Set<Listener>;
  timer?: NodeJS.Timeout;
  /** Ends what tells of changes. */
  unfollow?: () => void;
}

/** What one array of instances has in common with another that says the same. */
const saidBy = (instances: readonly Instance[]): string =>
  instances.map(({ address, zone = '', weight = 1 }) => `${address} ${zone} ${weight}`).join();
const byAddress = (one: Instance, other: Instance): number => (one.address < other.address ? -1 : 1);

/**
 * Discovery by a registry. Look-ups of one service share a request; an answer is given for 30 s by the clock port, and
 * renewed in the background from 20 s on. While the registry is away the last answer goes on, with one line in the log
 * (`discovery.away`, later `discovery.back`) and `perfect21_discovery_lookups_total{result="failed"}`.
 *
 * A registry that tells of changes is listened to while somebody watches a service; look-ups then are only needed where it
 * tells nothing for long.
 */
export const cached = (registry: Registry, { clock, ids, log, metrics }: CachePorts): Discovery => {
  const entries = new Map<string, Entry>();
  const questions = questionsTo(registry);
  let closed = false;

  const entryOf = (service: string): Entry => {
    let entry = entries.get(service);
    if (!entry) {
      entry = { failures: 0, failedAt: 0, pause: 0, listeners: new Set() };
      entries.set(service, entry);
    }
    return entry;
  };
  // a clock that was set back makes nothing younger
  const since = (at: number): number => Math.abs(clock.now() - at);
  const ageOf = ({ answer }: Entry): number => (answer ? since(answer.at) : Number.POSITIVE_INFINITY);
  const mayAsk = ({ failures, failedAt, pause }: Entry): boolean =>
    !closed && (failures === 0 || since(failedAt) >= pause);
  const count = (service: string, result: 'ok' | 'failed') =>
    metrics.count('perfect21_discovery_lookups_total', { registry: registry.name, service, result });

  const answered = (service: string, entry: Entry, found: readonly Instance[]): readonly Instance[] => {
    const sorted = [...new Map(found.map((each) => [each.address, each])).values()].sort(byAddress);
    const before = entry.answer?.instances;
    const instances = before && saidBy(before) === saidBy(sorted) ? before : sorted;
    entry.answer = { instances, at: clock.now() };
    count(service, 'ok');
    metrics.gauge('perfect21_discovery_instances', { registry: registry.name, service }, instances.length);
    if (entry.failures > 0) log.info('discovery.back', { registry: registry.name, service });
    entry.failures = 0;
    if (instances !== before) for (const listener of [...entry.listeners]) listener(instances);
    return instances;
  };
  const away = (service: string, entry: Entry, cause: unknown): void => {
    entry.failedAt = clock.now();
    entry.failures += 1;
    entry.pause = Math.min(MAX_PAUSE_MS, publishDelay(entry.failures, unitRandom(ids)));
    if (!closed) {
      count(service, 'failed');
      const fields = { registry: registry.name, service, stale: entry.answer !== undefined, cause };
      if (entry.failures === 1) log.warn('discovery.away', fields);
    }
  };
  const ask = (service: string, entry: Entry): Promise<readonly Instance[]> => {
    const { answer } = entry;
    entry.asking ??= questions
      .ask(service)
      .then(
        // what was told meanwhile is newer
        (found) => (entry.answer === answer ? answered(service, entry, found) : entry.answer!.instances),
        (cause) => {
          away(service, entry, cause);
          throw cause;
        },
      )
      .finally(() => {
        entry.asking = undefined;
      });
    return entry.asking;
  };

  const instances = async (service: string): Promise<readonly Instance[]> => {
    const entry = entryOf(service);
    const { answer } = entry;
    const age = ageOf(entry);
    // that the registry is away is believed for as long as an answer; nobody waits for it meanwhile
    const isAway = entry.failures > 0 && since(entry.failedAt) < TTL_MS;
    if (answer && (age < TTL_MS || isAway)) {
      if (age >= REFRESH_MS && mayAsk(entry)) ask(service, entry).catch(() => {});
      return answer.instances;
    }
    try {
      if (mayAsk(entry)) return await ask(service, entry);
    } catch (cause) {
      if (!answer) throw new AppError('unavailable', { cause });
    }
    if (answer) return answer.instances;
    throw new AppError('unavailable', { cause: new Error(`${registry.name} is away and never told of ${service}`) });
  };

  // machine time only paces it: whether an answer is old is up to the clock
  const keepWatching = (service: string, entry: Entry): void => {
    const again = (): void => {
      if (entry.listeners.size > 0 && !closed) keepWatching(service, entry);
    };
    const look = async (): Promise<unknown> =>
      ageOf(entry) >= REFRESH_MS && mayAsk(entry) ? ask(service, entry) : undefined;
    const pause =
      entry.failures > 0 ? entry.pause - since(entry.failedAt) : REFRESH_MS - (entry.answer ? ageOf(entry) : 0);
    clearTimeout(entry.timer);
    entry.timer = setTimeout(() => void look().then(again, again), Math.max(0, pause)).unref();
  };

  return {
    instances,
    watch: (service, listener) => {
      const entry = entryOf(service);
      if (entry.listeners.size === 0 && !closed) {
        keepWatching(service, entry);
        entry.unfollow = following(registry, service, {
          tell: (found) => answered(service, entry, found),
          lost: (cause) => away(service, entry, cause),
          pause: () => entry.pause,
        });
      }
      entry.listeners.add(listener);
      return () => {
        entry.listeners.delete(listener);
        if (entry.listeners.size > 0) return;
        clearTimeout(entry.timer);
        entry.unfollow?.();
      };
    },
    close: async () => {
      closed = true;
      questions.end();
      for (const { timer, unfollow } of entries.values()) {
        clearTimeout(timer);
        unfollow?.();
      }
      registry.close?.();
    },
  };
};
