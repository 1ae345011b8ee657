import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { remove, update } from '../../shared/ports/store.ts';
import { isCode, mayTry } from './phone-proof.ts';
import { phoneProofs, requestCounts, users } from './records.ts';

/** Proves the number of the caller's profile with the code that was sent there: from then on messages go there. */
export const confirmPhone = operation({
  name: 'users.confirm-phone',
  summary: "Proves the caller's phone number with the code sent there",
  http: { method: 'POST', path: '/api/v1/users/me/phone/confirm' },
  access: 'user',
  bounds: { address: 60 },
  input: z.strictObject({
    code: z
      .string()
      .regex(/^\d{6}$/, 'Six digits')
      .meta({ examples: ['314159'] }),
  }),
  output: z.object({ phone_number: z.string(), phone_verified: z.literal(true) }),
  errors: ['invalid_token', 'conflict'],
  reads: [phoneProofs, users],
  writes: [phoneProofs, requestCounts, users],
  needs: ['clock', 'secrets'],
  run: async ({ store, ...given }, { code }, { caller }) => {
    if (caller.kind !== 'user') throw new AppError('unauthenticated');
    return retryConflict(async () => {
      const asked = await store.get(phoneProofs, caller.user_id);
      const user = await store.get(users, caller.user_id);
      const phone_number = asked?.value.phone_number;
      if (!asked || !user || user.value.phone_number !== phone_number) throw new AppError('invalid_token');
      if (!(await mayTry(store, given, asked)) || !isCode(given, asked, code)) {
        throw new AppError('invalid_token');
      }
      await store.transact([
        update(users, user, { ...user.value, proven_phone: phone_number }),
        remove(phoneProofs, asked),
      ]);
      return { phone_number: asked.value.phone_number, phone_verified: true as const };
    });
  },
});
