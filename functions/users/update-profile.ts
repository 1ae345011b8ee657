import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { update } from '../../shared/ports/store.ts';
import { toMessage } from './fields.ts';
import { toUser, User } from './model.ts';
import { changedProfile, ProfileChange } from './profile.ts';
import { users } from './records.ts';

/** Changes the operator's fields of an account, also those that its owner may not write or see. */
export const updateProfile = operation({
  name: 'users.update-profile',
  summary: "Changes the operator's fields of an account",
  http: { method: 'PATCH', path: '/api/v1/users/{user_id}/profile' },
  rpc: {
    method: 'perfect21.user.UserAdminService/UpdateProfile',
    request: ({ user_id, profile = {}, removed = [] }) => ({
      user_id,
      profile: { ...profile, ...Object.fromEntries(removed.map((name: string) => [name, null])) },
    }),
    response: (user) => ({ user: toMessage(user) }),
  },
  access: 'users:write',
  input: z.strictObject({ user_id: z.string().max(128), profile: ProfileChange }),
  output: User,
  errors: ['not_found', 'conflict'],
  reads: [users],
  writes: [users],
  needs: ['settings'],
  run: ({ store, settings }, { user_id, profile }) =>
    retryConflict(async () => {
      const user = await store.get(users, user_id);
      if (!user || user.value.status === 'deleted') throw new AppError('not_found', { detail: 'No user has this id' });
      const value = {
        ...user.value,
        profile: changedProfile(settings.profile, user.value.profile, profile, 'admin'),
      };
      await store.transact([update(users, user, value)]);
      return toUser({ ...user, value });
    }),
});
