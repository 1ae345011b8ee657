/**
 * How often an operation may be called: declared on it, so that every door holds it. Of one client address (IPv6: of its
 * /64) for all processes together, in two fixed windows of the store; of everybody in each process.
 */
import type { PortName, Ports } from '../ports/index.ts';
import { callCounts } from './bound-records.ts';
import { Buckets } from './buckets.ts';
import type { Context } from './context.ts';
import { counterKey } from './counter-key.ts';
import { AppError } from './errors.ts';
import { networkOf } from './network.ts';

export interface Bounds {
  /** Calls of one client in a minute. */
  address: number;
  /** Calls of everybody in a minute, in one process; as many as it can do when left out. */
  process?: number;
}

/** What holding them needs. */
export const BOUND_PORTS = ['store', 'clock', 'secrets', 'settings'] as const satisfies readonly PortName[];

const WINDOW_MS = 60_000;

const bucketsOf = new WeakMap<object, Buckets>();

const refuse = (wait_ms: number): never => {
  throw new AppError('too_many_requests', { retry_after: Math.max(1, wait_ms / 1000) });
};

/** In how many ms one more call stays within the bound, when `before` and `count` were made in the last two windows. */
const waitOf = (most: number, before: number, count: number, elapsed: number): number => {
  if (count > most) return WINDOW_MS - elapsed + WINDOW_MS * (1 - most / count);
  // what counts of the window before fades as this one goes on
  return Math.max(0, WINDOW_MS * (1 - (most - count) / Math.max(1, before)) - elapsed);
};

/**
 * Counts a call that a door brings. What services call, and what a queue brings, is not bounded.
 *
 * @throws AppError `too_many_requests` with the seconds after which it makes sense again
 */
export const holdBounds = async (
  ports: Pick<Ports, (typeof BOUND_PORTS)[number]>,
  { name, bounds }: { name: string; bounds?: Bounds },
  { client, caller, door }: Pick<Context, 'client' | 'caller' | 'door'>,
): Promise<void> => {
  if (!bounds || caller.kind === 'service' || door === 'queue') return;
  const { store, clock, secrets, settings } = ports;
  const factor = settings.rate_limits;
  if (factor === Number.POSITIVE_INFINITY) return;
  const buckets = bucketsOf.get(ports) ?? new Buckets();
  bucketsOf.set(ports, buckets);
  const now = clock.now();
  const most = Math.max(1, bounds.address * factor);
  const from = `${name} ${networkOf(client.ip)}`;
  const flooded = buckets.take(from, most, WINDOW_MS, now);
  if (flooded > 0) refuse(flooded);
  if (bounds.process !== undefined) {
    const full = buckets.take(name, Math.max(1, bounds.process * factor), WINDOW_MS, now);
    if (full > 0) refuse(full);
  }

  const window = Math.floor(now / WINDOW_MS);
  const idOf = (which: number): string => counterKey(secrets, from, String(which));
  const [count, last] = await Promise.all([
    store.increment(callCounts, idOf(window), { expires_at: (window + 2) * WINDOW_MS }),
    store.get(callCounts, idOf(window - 1)),
  ]);
  const elapsed = now - window * WINDOW_MS;
  const before = last?.value.count ?? 0;
  if (before * (1 - elapsed / WINDOW_MS) + count <= most) return;
  const wait_ms = waitOf(most, before, count, elapsed);
  buckets.drain(from, most, WINDOW_MS, now, wait_ms);
  refuse(wait_ms);
};
