/**
 * What callers get while something that an operation depends on is away. Which those are, and what follows in general, is
 * derived from what operations declare (infra/generate/away.ts); here stands only what is otherwise, and why.
 */

/** What can be away. A service by its folder, for who calls it from another process. */
export type Dependency =
  | 'auth'
  | 'users'
  | 'permissions'
  | 'sessions'
  | 'notifications'
  /** Where records and the outbox are. */
  | 'store'
  /** What carries events from the outbox to their queues. */
  | 'bus'
  /** What tells a verifier of revocations. */
  | 'feed'
  /** Who tells what a caller may now whose token is older than the last change of permissions. */
  | 'standing'
  /** The key management service that signs tokens and seals seeds; the platform's own keys are never away. */
  | 'keys'
  | 'mailer'
  | 'sms'
  | 'push';

export type Effect =
  /** Answers as ever. */
  | { answer: 'usual'; why: string }
  /** Answers as ever for so many seconds, by what is known, and is refused then. */
  | { answer: 'stale'; seconds: number }
  /** Answers without a part. */
  | { answer: 'without'; part: string; warning?: string }
  /** 503 `unavailable` with Retry-After, and nothing has changed. `only`: in this case, else as ever. */
  | { answer: 'refused'; only?: string }
  /** Answers as ever; what is named is done when it is back, by the event that was committed with the change, which `by` handles. */
  | { answer: 'later'; what: string; by?: string }
  /** Of events: brought again, after growing waits, and parked as a dead letter when that is in vain. */
  | { answer: 'again'; only?: string };

/** Seconds that what is known of revocations may be old, unless PERFECT21_MAX_STALENESS says otherwise. */
export const STALE_S = 2;

const sessionsEndLater: Effect = { answer: 'later', what: 'the sessions end', by: 'sessions.on-account-changed' };
const whenUserCalls: Effect = { answer: 'refused', only: 'a user calls, and no service' };
const ofRefreshTokens: Effect = { answer: 'refused', only: 'a refresh token is shown' };
const connectedUnknown: Effect = { answer: 'without', part: 'which devices are connected: `connected` is false' };
const permissionsOfToken: Effect = {
  answer: 'without',
  part: 'the permissions of now: those of the token stand there',
  warning: 'permissions_changed',
};
const byMemory: Effect = { answer: 'usual', why: 'keys and revocations are held in memory' };

/** By operation and dependency. */
export const SPECIAL: Readonly<Record<string, Readonly<Partial<Record<Dependency, Effect>>>>> = {
  'auth.validate-token': {
    permissions: permissionsOfToken,
    sessions: { answer: 'usual', why: 'that a token changed its client is then not counted for the next login' },
    store: byMemory,
  },
  'auth.validate-tokens': { permissions: permissionsOfToken, store: byMemory },
  'auth.validate-credentials': { keys: { answer: 'refused', only: 'the account has a second factor' } },
  'auth.introspect': {
    users: { answer: 'refused', only: 'a refresh token is asked about' },
    permissions: { answer: 'refused', only: 'the token is older than the last change of permissions' },
  },
  'auth.grant-token': { sessions: ofRefreshTokens, users: ofRefreshTokens, permissions: ofRefreshTokens },
  'auth.start-passkey-login': { store: { answer: 'usual', why: 'a challenge is signed, and nothing of it is kept' } },
  'auth.undo-email': { sessions: sessionsEndLater },
  'auth.change-password': { sessions: sessionsEndLater },
  'auth.reset-password': { sessions: sessionsEndLater },
  'auth.reset-factors': { sessions: sessionsEndLater },
  'auth.create-service': { permissions: whenUserCalls },
  'auth.rotate-service': { permissions: whenUserCalls },
  'auth.revoke-service': { permissions: whenUserCalls },
  'users.report-not-me': { sessions: sessionsEndLater },
  'users.update-me': { auth: { answer: 'refused', only: 'the phone number changes' } },
  'users.update-user-status': {
    sessions: sessionsEndLater,
    permissions: { answer: 'refused', only: 'it was suspended and is to be active' },
  },
  'permissions.revoke-role': { users: { answer: 'refused', only: 'the role is `admin`' } },
  'sessions.list-sessions': { notifications: connectedUnknown },
  'sessions.list-user-sessions': { notifications: connectedUnknown },
  'sessions.on-account-changed': {
    users: { answer: 'again', only: 'another system changed the password, and said no generation' },
  },
  'notifications.watch': {
    store: {
      answer: 'usual',
      why: 'frames come from the process; who resumes by `since` is refused after the first one',
    },
  },
  'notifications.on-push-send': { push: { answer: 'again', only: 'the user has a device' } },
};
