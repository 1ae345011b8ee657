import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import { check, insert, update } from '../../shared/ports/store.ts';
import { userLogin } from '../auth/events.ts';
import { HISTORY_MS } from './login-history.ts';
import { loginHistory, users } from './records.ts';

/** Writes a login, or the try of one, into the history; the record has the event's id, so that a second delivery adds nothing. */
export const onUserLogin = operation({
  name: 'users.on-user-login',
  summary: 'Writes the login history',
  subscription: { queue: 'user-service.logins', bindings: [userLogin.key], types: [userLogin.type] },
  access: 'service',
  input: envelopeOf(userLogin),
  output: z.object({}),
  errors: ['conflict'],
  reads: [users, loginHistory],
  writes: [users, loginHistory],
  run: ({ store }, { message_id, timestamp, data }) =>
    retryConflict(async () => {
      const { user_id, ip_address, user_agent, login_successful, failure_reason, location, mfa_used, risk_score } =
        data;
      if (user_id === '' || (await store.get(loginHistory, message_id))) return {};
      const at = Math.floor(Date.parse(timestamp) / 1000);
      const record = {
        user_id,
        at,
        ip_address,
        user_agent,
        login_successful,
        failure_reason,
        location,
        mfa_used,
        risk_score,
      };
      const writes = [insert(loginHistory, message_id, record, { expires_at: Date.parse(timestamp) + HISTORY_MS })];
      const user = await store.get(users, user_id);
      // what is told after the account was deleted, or while it is, puts nothing back into it or beside it
      if (!user || user.value.status === 'deleted') return {};
      const newer = login_successful && (user.value.last_login_at ?? 0) < at;
      const account = newer ? update(users, user, { ...user.value, last_login_at: at }) : check(users, user);
      await store.transact([...writes, account]);
      return {};
    }),
});
