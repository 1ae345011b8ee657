/** Room for one more session of a user: where there are as many as there may be, the oldest ends. */
import { type revocations as revocationRecords, toRevocationWrite } from '../../shared/keys/revocation-records.ts';
import type { OperationStore } from '../../shared/kit/operation.ts';
import type { Ports } from '../../shared/ports/index.ts';
import type { Revocation } from '../../shared/ports/revocations.ts';
import { remove, type Stored } from '../../shared/ports/store.ts';
import { CAUSES } from './causes.ts';
import { sessionRevoked } from './events.ts';
import { type LoginsRecord, type SessionRecord, sessions } from './records.ts';

/** That many end with one login where the number was lowered; the others with the next. */
const MOST = 20;
type Names = typeof sessions.name | typeof revocationRecords.name;

/**
 * What has to be committed with the new session, and what to learn when it is. The list of a user's sessions is read before,
 * and is written with that commit: of logins at once the second begins anew and sees the first.
 */
export const roomFor = async (
  store: Pick<OperationStore<Names, Names, string>, 'getMany'>,
  { clock, ids, settings }: Pick<Ports, 'clock' | 'ids' | 'settings'>,
  user_id: string,
  logins: Stored<LoginsRecord> | undefined,
) => {
  const held = logins?.value.session_ids ?? [];
  const none = { session_ids: held, writes: [], events: [], learned: [] as Revocation[] };
  if (held.length < settings.max_sessions) return none;
  const found = await store.getMany(sessions, held);
  const alive = held.flatMap((id) => found.get(id) ?? ([] as Stored<SessionRecord>[]));
  const over = alive.slice(0, Math.min(MOST, Math.max(0, alive.length + 1 - settings.max_sessions)));
  const { reason, error } = CAUSES.too_many_sessions;
  const learned = over.map(({ id }): Revocation => ({ kind: 'sid', value: id, error, created_at: clock.now() }));
  return {
    session_ids: alive.slice(over.length).map(({ id }) => id),
    writes: [
      ...over.map((session) => remove(sessions, session)),
      ...learned.map((revocation) => toRevocationWrite(revocation, ids.uuid())),
    ],
    events: over.map(({ id }) => sessionRevoked.with({ user_id, session_id: id, reason }, { user_id })),
    learned,
  };
};
