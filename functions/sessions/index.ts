/** Sessions, the refresh tokens that carry them, and the revocations that end their access tokens. */
import * as revocationRecords from '../../shared/keys/revocation-records.ts';
import { service } from '../../shared/kit/service.ts';
import { createSession } from './create-session.ts';
import { endMySession } from './end-my-session.ts';
import { endOtherSessions } from './end-other-sessions.ts';
import { endSession } from './end-session.ts';
import { endSessionsOfUser } from './end-sessions-of-user.ts';
import { endUserSessions } from './end-user-sessions.ts';
import { exportUser } from './export-user.ts';
import { findRefreshToken } from './find-refresh-token.ts';
import { getSession } from './get-session.ts';
import { listRevocations } from './list-revocations.ts';
import { listSessions } from './list-sessions.ts';
import { listUserSessions } from './list-user-sessions.ts';
import { noteClientChange } from './note-client-change.ts';
import { onAccountChanged } from './on-account-changed.ts';
import * as records from './records.ts';
import { revokeToken } from './revoke-token.ts';
import { rotateSession } from './rotate-session.ts';
import { watchRevocations } from './watch-revocations.ts';

export const sessions = service('sessions', [
  createSession,
  rotateSession,
  endSession,
  endUserSessions,
  revokeToken,
  getSession,
  findRefreshToken,
  listSessions,
  endMySession,
  endOtherSessions,
  listUserSessions,
  endSessionsOfUser,
  noteClientChange,
  onAccountChanged,
  watchRevocations,
  listRevocations,
  exportUser,
]);

export const sessionCollections = [...Object.values(records), revocationRecords.revocations];
