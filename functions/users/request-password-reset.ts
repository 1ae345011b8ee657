import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { passwordResetRequested } from './events.ts';
import { Email } from './model.ts';

/**
 * Notes that somebody asks for a new password. Whether there is such an account is looked up after the answer,
 * by the handler of the event, so that neither answer nor time tells.
 */
export const requestPasswordReset = operation({
  name: 'users.request-password-reset',
  summary: 'Notes that a new password is asked for',
  access: 'service',
  input: z.strictObject({ email: Email, ip_address: z.string(), user_agent: z.string() }),
  output: z.object({}),
  emits: [passwordResetRequested],
  run: async ({ store }, input) => {
    await store.transact([], [passwordResetRequested.with(input)]);
    return {};
  },
});
