/** Which devices of a user are connected. It is shown, and nothing else depends on it: what fails here is left. */
import type { OperationStore } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { insert, update } from '../../shared/ports/store.ts';
import { presence } from './records.ts';

/** Ms after which a device that was not seen is gone: two renewals (see the port `realtime`) and a moment. */
const GONE_MS = 11 * 60_000;

type Sessions = Record<string, { since: number; seen_at: number }>;
type Store = Pick<OperationStore<'presence', 'presence', never>, 'get' | 'transact'>;
interface Device {
  user_id: string;
  session_id: string;
}

const seen = (sessions: Sessions = {}, now: number): Sessions =>
  Object.fromEntries(Object.entries(sessions).filter(([, { seen_at }]) => now - seen_at < GONE_MS));

const change = (store: Store, user_id: string, now: number, alter: (sessions: Sessions) => Sessions): Promise<void> =>
  retryConflict(async () => {
    const found = await store.get(presence, user_id);
    const value = { sessions: alter(seen(found?.value.sessions, now)) };
    const until = { expires_at: now + GONE_MS };
    await store.transact(
      [found ? update(presence, found, value, until) : insert(presence, user_id, value, until)],
      [],
      // a power cut ends connections, too
      { durability: 'deferred' },
    );
  }).catch(() => {});

/** Notes that a device is connected, or still is. */
export const noteConnected = (store: Store, { user_id, session_id }: Device, now: number): Promise<void> =>
  change(store, user_id, now, ({ [session_id]: own, ...others }) => ({
    ...others,
    [session_id]: { since: own?.since ?? now, seen_at: now },
  }));

/** Notes that it is not any more. */
export const noteLeft = (store: Store, { user_id, session_id }: Device, now: number): Promise<void> =>
  change(store, user_id, now, ({ [session_id]: _, ...others }) => others);

/** Those that are connected, with unix seconds since when. */
export const connectedOf = (sessions: Sessions | undefined, now: number) =>
  Object.entries(seen(sessions, now)).map(([session_id, { since }]) => ({
    session_id,
    since: Math.floor(since / 1_000),
  }));
