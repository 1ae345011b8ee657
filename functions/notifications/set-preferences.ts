import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { insert, update } from '../../shared/ports/store.ts';
import { mergeChoices, Preferences, PreferencesChange, preferencesOf } from './model.ts';
import { preferences } from './records.ts';

/** Chooses the channels of each category. Mails about the security of the account can't be switched off. */
export const setPreferences = operation({
  name: 'notifications.set-preferences',
  summary: "Changes the caller's notification preferences",
  http: { method: 'PUT', path: '/api/v1/notifications/preferences' },
  access: 'user',
  input: PreferencesChange,
  output: Preferences,
  errors: ['conflict'],
  reads: [preferences],
  writes: [preferences],
  run: ({ store }, wanted, { caller }) =>
    retryConflict(async () => {
      if (caller.kind !== 'user') throw new AppError('forbidden');
      const before = await store.get(preferences, caller.user_id);
      const chosen = mergeChoices(before?.value ?? {}, wanted);
      await store.transact([
        before ? update(preferences, before, chosen) : insert(preferences, caller.user_id, chosen),
      ]);
      return preferencesOf(chosen);
    }),
});
