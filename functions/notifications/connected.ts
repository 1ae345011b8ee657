/** The connections that API Gateway holds: who they are of, and how they end. */
import { AppError } from '../../shared/kit/errors.ts';
import type { OperationStore } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import type { Ports } from '../../shared/ports/index.ts';
import { remove, update } from '../../shared/ports/store.ts';
import { noteLeft } from './presence.ts';
import { connectionOwners, type Held, listeners } from './records.ts';

/** Connections of one user, as in a process. */
export const MOST_OF_USER = 20;
/** A connection ends after two hours, and where nothing came or went for ten minutes: each ping is a call of a function. */
export const LONGEST_MS = 2 * 3_600_000;
export const HEARTBEAT_MS = 240_000;

type Kept = 'connections' | 'listeners' | 'presence';
type Store = Pick<OperationStore<Kept, Kept, never>, 'get' | 'transact'>;
type Open = Record<string, Held>;

/** Those whose token is not over. */
export const openNow = (open: Open = {}, now: number): Open =>
  Object.fromEntries(Object.entries(open).filter(([, { over_at }]) => over_at > now));

/** How long the record of a user's connections is kept. */
export const until = (open: Open): { expires_at: number } => ({
  expires_at: Math.max(...Object.values(open).map(({ over_at }) => over_at)),
});

/**
 * Why a connection may not go on; undefined while it may.
 *
 * @throws AppError `unavailable` where that can't be known
 */
export const endOf = async (
  { clock, revocations }: Pick<Ports, 'clock' | 'revocations'>,
  user_id: string,
  { session_id: sid, jti, generation: gen, over_at }: Held,
): Promise<string | undefined> => {
  if (clock.now() >= over_at) return 'expired';
  const found = await revocations.find({ sub: user_id, sid, jti, gen });
  return found === 'permissions_changed' ? undefined : found;
};

/** Ends a connection: where its session ended it is told so before, as API Gateway takes no close code. */
export const expel = async (
  { clock, connections, ids }: Pick<Ports, 'clock' | 'connections' | 'ids'>,
  id: string,
  reason: string,
): Promise<void> => {
  const frame = { id: ids.uuid(), type: 'session.ended', at: Math.floor(clock.now() / 1_000), data: { reason } };
  if (reason !== 'expired') await connections.post(id, JSON.stringify(frame));
  await connections.close(id);
};

/** Notes that connections of a user are gone, and those whose token is over, and of their sessions those that have no other. */
export const forget = async (store: Store, user_id: string, ids: readonly string[], now: number): Promise<void> => {
  if (ids.length === 0) return;
  const left = await retryConflict(async () => {
    const found = await store.get(listeners, user_id);
    const owners = (await Promise.all(ids.map((id) => store.get(connectionOwners, id)))).filter((each) => !!each);
    const before = found?.value.open ?? {};
    const open = Object.fromEntries(Object.entries(openNow(before, now)).filter(([id]) => !ids.includes(id)));
    const rest = Object.keys(open).length > 0 ? { value: { open }, keep: until(open) } : undefined;
    const writes = [
      ...owners.map((owner) => remove(connectionOwners, owner)),
      ...(found ? [rest ? update(listeners, found, rest.value, rest.keep) : remove(listeners, found)] : []),
    ];
    if (writes.length > 0) await store.transact(writes);
    const sessions = (of: Open) => Object.values(of).map(({ session_id }) => session_id);
    return new Set(sessions(before).filter((id) => !sessions(open).includes(id)));
  });
  for (const session_id of left) await noteLeft(store, { user_id, session_id }, now);
};

/** Notes that a connection was said hello to: from now on it is told what happens. */
export const greeted = (store: Store, user_id: string, id: string): Promise<void> =>
  retryConflict(async () => {
    const found = await store.get(listeners, user_id);
    const held = found?.value.open[id];
    if (!found || !held || held.greeted) return;
    const open: Open = { ...found.value.open, [id]: { ...held, greeted: true } };
    await store.transact([update(listeners, found, { open }, until(open))]);
  });

/** A user with as many connections as he may have. */
export const tooMany = (): AppError =>
  new AppError('too_many_requests', { detail: `At most ${MOST_OF_USER} connections of a user`, retry_after: 5 });
