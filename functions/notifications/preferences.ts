/** Whether a user wants a message. */
import type { OperationStore } from '../../shared/kit/operation.ts';
import { type Category, type Channel, preferencesOf } from './model.ts';
import { preferences } from './records.ts';

/** True for what has no category or no user: that is part of something the reader just did. */
export const isWanted = async (
  store: Pick<OperationStore<'notification_preferences', never, never>, 'get'>,
  { user_id, category, channel }: { user_id?: string; category?: Category; channel: Channel },
): Promise<boolean> => {
  if (!user_id || !category) return true;
  const chosen = await store.get(preferences, user_id);
  return preferencesOf(chosen?.value)[category][channel];
};
