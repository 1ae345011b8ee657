import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { unitRandom } from '../../shared/messaging/backoff.ts';
import { passwordResetRequested } from './events.ts';
import { Email } from './model.ts';

/**
 * Notes that somebody asks for a new password. Whether there is such an account is looked up after the answer, at a random
 * time by the handler of the event, so that neither answer nor time tells, nor how quick other answers are meanwhile.
 */
export const requestPasswordReset = operation({
  name: 'users.request-password-reset',
  summary: 'Notes that a new password is asked for',
  access: 'service',
  input: z.strictObject({ email: Email, ip_address: z.string(), user_agent: z.string() }),
  output: z.object({}),
  emits: [passwordResetRequested],
  needs: ['ids', 'settings'],
  run: async ({ store, ids, settings }, input) => {
    const delay_ms = Math.round(settings.reset_delay * 1000 * (0.2 + 0.8 * unitRandom(ids)));
    await store.transact([], [passwordResetRequested.with(input, { delay_ms })]);
    return {};
  },
});
