import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import { type Collection, remove } from '../../shared/ports/store.ts';
import { userDeleted } from '../users/events.ts';
import { USER_EVENTS } from './queues.ts';
import { devices, inbox, loginAlerts, preferences, presence } from './records.ts';

/** Deletes what notifications keep of a user who is gone; the ledger, which has nothing about a person, ends by itself. */
export const onUserDeleted = operation({
  name: 'notifications.on-user-deleted',
  summary: 'Deletes the inbox, devices and preferences of a deleted user',
  subscription: { ...USER_EVENTS, types: [userDeleted.type] },
  access: 'service',
  input: envelopeOf(userDeleted),
  output: z.object({}),
  reads: [preferences, devices, inbox, loginAlerts, presence],
  queries: ['devices.by_user', 'inbox.by_user'],
  writes: [preferences, devices, inbox, loginAlerts, presence],
  run: async ({ store }, { data: { user_id } }) => {
    const removeAll = async (collection: Collection<'devices' | 'inbox', any>): Promise<void> => {
      for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
        const page = await store.query(collection, 'by_user', user_id, { limit: 50, cursor });
        if (page.items.length) await store.transact(page.items.map((item) => remove(collection, item)));
        cursor = page.next_cursor;
      }
    };
    const chosen = await store.get(preferences, user_id);
    if (chosen) await store.transact([remove(preferences, chosen)]);
    const told = await store.get(loginAlerts, user_id);
    if (told) await store.transact([remove(loginAlerts, told)]);
    const connected = await store.get(presence, user_id);
    if (connected) await store.transact([remove(presence, connected)]);
    await removeAll(devices);
    await removeAll(inbox);
    return {};
  },
});
