import * as z from 'zod';
import { Exported, rowsOf, single, together } from '../../shared/kit/exported.ts';
import { operation } from '../../shared/kit/operation.ts';
import { devices, inbox, loginAlerts, preferences, presence } from './records.ts';

/** What is kept of a user here, for the user: inbox, preferences and devices, without the addresses that push to them. */
export const exportUser = operation({
  name: 'notifications.export-user',
  summary: 'Gives all that notifications keep of a user',
  access: 'service',
  input: z.strictObject({ user_id: z.string() }),
  output: Exported,
  reads: [devices, inbox, loginAlerts, preferences, presence],
  queries: ['devices.by_user', 'inbox.by_user'],
  run: async ({ store }, { user_id }) => {
    const newest = (cursor?: string) => ({ cursor, limit: 200, order: 'desc' as const });
    const [chosen, told, connected] = await Promise.all([
      store.get(preferences, user_id),
      store.get(loginAlerts, user_id),
      store.get(presence, user_id),
    ]);
    return together(
      single('notification_preferences', chosen && { ...chosen.value }),
      single('login_alerts', told && { ...told.value }),
      single('presence', connected && { ...connected.value }),
      await rowsOf(
        'devices',
        (cursor) => store.query(devices, 'by_user', user_id, newest(cursor)),
        ({ value }) => ({ kind: value.target.kind, created_at: Math.floor(value.created_at / 1_000) }),
      ),
      await rowsOf(
        'inbox',
        (cursor) => store.query(inbox, 'by_user', user_id, newest(cursor)),
        ({ id, value: { user_id: _, ...message } }) => ({ id, ...message }),
      ),
    );
  },
});
