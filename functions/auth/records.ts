import { type Counter, collection } from '../../shared/ports/store.ts';

/** Consecutive failed logins, by account or, where there is none, by a hash of what was typed. */
export const loginAttempts = collection<Counter>()('login_attempts', { counts: true });

/** By a hash of client and `jti`: assertions that were used (RFC 7523), until they would be over anyway. */
export const clientAssertions = collection<Record<string, never>>()('client_assertions');
