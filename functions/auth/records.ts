import { type Counter, collection } from '../../shared/ports/store.ts';

/** Consecutive failed logins, by account or, where there is none, by a hash of what was typed. */
export const loginAttempts = collection<Counter>()('login_attempts', { counts: true });
