import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { toUser, User } from './model.ts';
import { ownProfile } from './profile.ts';
import { users } from './records.ts';

/** The caller's own profile. */
export const getMe = operation({
  name: 'users.get-me',
  summary: "Gives the caller's own profile",
  http: { method: 'GET', path: '/api/v1/users/me' },
  access: 'user',
  input: z.strictObject({}),
  output: User.extend({ phone_verified: z.boolean().meta({ description: 'Messages go to the phone number' }) }),
  errors: ['not_found'],
  reads: [users],
  needs: ['settings'],
  run: async ({ store, settings }, _, { caller }) => {
    const user = caller.kind === 'user' ? await store.get(users, caller.user_id) : undefined;
    if (!user) throw new AppError('not_found');
    const { phone_number, proven_phone } = user.value;
    const profile = ownProfile(settings.profile, user.value.profile);
    return { ...toUser(user), profile, phone_verified: phone_number !== undefined && phone_number === proven_phone };
  },
});
