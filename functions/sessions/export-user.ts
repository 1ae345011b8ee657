import * as z from 'zod';
import { Exported, type ExportedRow, rowsOf, single, together } from '../../shared/kit/exported.ts';
import { operation } from '../../shared/kit/operation.ts';
import { logins, sessions } from './records.ts';

/** What is kept of a user here, for the user: every session, without what could continue it, and what logins were like. */
export const exportUser = operation({
  name: 'sessions.export-user',
  summary: 'Gives all that sessions keep of a user',
  access: 'service',
  input: z.strictObject({ user_id: z.string() }),
  output: Exported,
  reads: [sessions, logins],
  queries: ['sessions.by_user'],
  run: async ({ store }, { user_id }) => {
    const page = (cursor?: string) => store.query(sessions, 'by_user', user_id, { cursor, order: 'desc', limit: 200 });
    const all = await rowsOf('sessions', page, ({ id, value, expires_at }): ExportedRow => {
      const { created_at, last_used_at, ip_address, user_agent, device_info, location, amr } = value;
      const ends = Math.floor((expires_at ?? 0) / 1_000);
      return { id, created_at, last_used_at, expires_at: ends, ip_address, user_agent, device_info, location, amr };
    });
    const { networks = [], devices = [], last } = (await store.get(logins, user_id))?.value ?? {};
    // marks, which nobody can turn back: how many there are is all that they say
    const usual = last && { networks: networks.length, devices: devices.length, last_login: last };
    return together(all, single('logins', usual));
  },
});
