/** What a process says of itself: the links against what is promised, queues, engines, versions. Nothing of its users. */
import type { Link } from '../../metrics/links.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Metrics } from '../../ports/metrics.ts';
import { cellsOf } from '../../system/metrics.ts';
import { LinkSamples, p99, SAMPLE_MS } from './samples.ts';

/** An engine behind the process: what it is, and a look whether it answers; `degraded` as in readiness. */
export interface Engine {
  name: string;
  engine: string;
  look(): Promise<unknown>;
}

export interface StatusSubject {
  /** What the process is called, and the version of what runs in it. */
  name: string;
  version: string;
  links: readonly Link[];
  engines: readonly Engine[];
}

type Verdict = 'kept' | 'broken' | 'few' | 'idle';

export interface Status {
  name: string;
  version: string;
  node: string;
  /** Unix seconds. */
  now: number;
  started_at: number;
  every_s: number;
  memory_bytes: number;
  connections: number;
  listeners: number;
  links: {
    name: Link['name'];
    objective: number;
    /** The p99 that is promised, in seconds. */
    seconds?: number;
    verdict: Verdict;
    count: number;
    failed: number;
    /** Of the whole time that is shown, in seconds. */
    p99?: number;
    /** By sample, oldest first: how many, how many failed, and their p99. */
    samples: [count: number, failed: number, p99: number | null][];
  }[];
  queues: { name: string; depth: number; oldest_s?: number }[];
  engines: { name: string; engine: string; state: 'ok' | 'degraded' | 'unavailable' }[];
}

const LOOK_MS = 1_000;
/** Of fewer a p99 is the slowest one, and says nothing of a promise. */
const ENOUGH = 100;

/** Looks at an engine, and not for longer than somebody waits for a page. */
const stateOf = async ({ name, engine, look }: Engine): Promise<Status['engines'][number]> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('late')), LOOK_MS);
  });
  try {
    const said = await Promise.race([look(), late]);
    return { name, engine, state: said === 'degraded' ? 'degraded' : 'ok' };
  } catch {
    return { name, engine, state: 'unavailable' };
  } finally {
    clearTimeout(timer);
  }
};

const verdictOf = (of: { slow: boolean; timed: number; failing: boolean; used: boolean }): Verdict => {
  if (of.failing || (of.slow && of.timed >= ENOUGH)) return 'broken';
  // a p99 of a dozen is the slowest of them
  if (of.slow) return 'few';
  return of.used ? 'kept' : 'idle';
};

const linkStatus = (samples: LinkSamples): Status['links'][number] => {
  const { link, bounds } = samples;
  const all = samples.all();
  const count = all.reduce((sum, each) => sum + each.count, 0);
  const failed = all.reduce((sum, each) => sum + each.failed, 0);
  const counts = bounds.map((_, at) => all.reduce((sum, each) => sum + each.counts[at]!, 0));
  const past = all.reduce((sum, each) => sum + (each.counts[bounds.length] ?? 0), 0);
  const time = link.latency && p99([...counts, past], bounds);
  const timed = counts.reduce((sum, own) => sum + own, past);
  const slow = time !== undefined && time > link.latency!.seconds;
  const failing = count > 0 && failed / count > 1 - link.objective;
  return {
    name: link.name,
    objective: link.objective,
    ...(link.latency && { seconds: link.latency.seconds }),
    verdict: verdictOf({ slow, timed, failing, used: count > 0 || time !== undefined }),
    count,
    failed,
    ...(time !== undefined && { p99: time }),
    samples: all.map((each) => [each.count, each.failed, link.latency ? (p99(each.counts, bounds) ?? null) : null]),
  };
};

const sumOf = (metrics: Metrics, name: string): number =>
  [...cellsOf(metrics, name)].reduce((sum, { value }) => sum + value, 0);

/**
 * Begins to take samples, one each five seconds.
 *
 * @example const status = watchStatus({ clock, metrics }, subject); … await status.read(); status.stop();
 */
export const watchStatus = ({ clock, metrics }: { clock: Clock; metrics: Metrics }, subject: StatusSubject) => {
  const seconds = (): number => Math.floor(clock.now() / 1_000);
  const started_at = seconds();
  const links = subject.links.map((link) => new LinkSamples(link, metrics));
  const take = (): void => {
    for (const each of links) each.take();
  };
  const timer = setInterval(take, SAMPLE_MS).unref();

  const queues = (): Status['queues'] => {
    const ages = new Map(
      [...cellsOf(metrics, 'perfect21_queue_oldest_age_seconds')].map((cell) => [cell.labels.queue, cell.value]),
    );
    return [...cellsOf(metrics, 'perfect21_queue_depth')].map(({ labels: { queue = '' }, value }) => {
      const oldest_s = ages.get(queue);
      return { name: queue, depth: value, ...(oldest_s !== undefined && value > 0 && { oldest_s }) };
    });
  };

  return {
    take,
    read: async (): Promise<Status> => ({
      name: subject.name,
      version: subject.version,
      node: process.version,
      now: seconds(),
      started_at,
      every_s: SAMPLE_MS / 1_000,
      memory_bytes: process.memoryUsage.rss(),
      connections: sumOf(metrics, 'perfect21_active_connections'),
      listeners: sumOf(metrics, 'perfect21_realtime_channels'),
      links: links.map(linkStatus),
      queues: queues(),
      engines: await Promise.all(subject.engines.map(stateOf)),
    }),
    stop: () => clearInterval(timer),
  };
};
export type StatusWatch = ReturnType<typeof watchStatus>;
