import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { Preferences, preferencesOf } from './model.ts';
import { preferences } from './records.ts';

/** Which messages reach the caller on which channels. */
export const getPreferences = operation({
  name: 'notifications.get-preferences',
  summary: "Gives the caller's notification preferences",
  http: { method: 'GET', path: '/api/v1/notifications/preferences' },
  access: 'user',
  input: z.strictObject({}),
  output: Preferences,
  reads: [preferences],
  run: async ({ store }, _, { caller }) => {
    const chosen = caller.kind === 'user' ? await store.get(preferences, caller.user_id) : undefined;
    return preferencesOf(chosen?.value);
  },
});
