import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { smsSend } from '../notifications/events.ts';
import { askForProof, countCode, PROOF_PORTS } from './phone-proof.ts';
import { phoneProofs, requestCounts, users } from './records.ts';

/** Sends a code to the number of the caller's profile; the one before it is good no more. */
export const sendPhoneCode = operation({
  name: 'users.send-phone-code',
  summary: "Sends a code that proves the caller's phone number",
  http: { method: 'POST', path: '/api/v1/users/me/phone/code', status: 202 },
  access: 'user',
  bounds: { address: 20, process: 600 },
  input: z.strictObject({}),
  output: z.object({ status: z.literal('accepted') }),
  errors: ['not_found', 'already_exists', 'conflict'],
  emits: [smsSend],
  reads: [users, phoneProofs],
  writes: [phoneProofs, requestCounts],
  needs: PROOF_PORTS,
  run: async ({ store, ...given }, _, { caller }) => {
    const user = caller.kind === 'user' ? await store.get(users, caller.user_id) : undefined;
    const { phone_number, proven_phone } = user?.value ?? {};
    if (!user || !phone_number) throw new AppError('not_found', { detail: 'The profile has no phone number' });
    if (phone_number === proven_phone) throw new AppError('already_exists', { detail: 'The number is proved already' });
    await countCode(store, given, user.id);
    return retryConflict(async () => {
      const { write, event } = await askForProof(store, given, user, phone_number);
      await store.transact([write], [event]);
      return { status: 'accepted' as const };
    });
  },
});
