import { operation } from '../../shared/kit/operation.ts';
import { stream } from '../../shared/kit/stream.ts';
import { ExportAsked, ExportRow } from './bulk-row.ts';
import { toMessage } from './fields.ts';
import { toUser } from './model.ts';
import { users } from './records.ts';
import { USER_STATUSES, type UserStatus } from './status.ts';

const AT_ONCE = 500;

/**
 * Gives all accounts row by row, oldest first, without passwords. After a cut `after` goes on behind the last row that arrived.
 * An account that comes or goes meanwhile may be in it or not; one that is there all the time is.
 */
export const exportUsers = operation({
  name: 'users.export-users',
  summary: 'Exports users row by row',
  http: { method: 'GET', path: '/api/v1/users/export' },
  rpc: {
    method: 'perfect21.user.UserBulkService/ExportUsers',
    request: ({ status, after }) => ({
      ...(status !== undefined && { status: (USER_STATUSES[status] ?? 'none') as UserStatus }),
      ...(after && { after }),
    }),
    response: ({ external_id = '', locale = '', ...user }) => ({ user: toMessage(user), external_id, locale }),
  },
  access: 'users:admin',
  input: ExportAsked,
  output: stream(ExportRow),
  elsewhere: { object: (asked, { id }) => ({ ...asked, after: id }) },
  audit: 'reads',
  reads: [users],
  queries: ['users.by_status', 'users.by_creation'],
  run: async function* ({ store }, { status, after }) {
    const [index, hash] = status ? (['by_status', status] as const) : (['by_creation', 'all'] as const);
    const pageAt = (cursor?: string) => store.query(users, index, hash, { cursor, from: after, limit: AT_ONCE });
    let page = await pageAt();
    for (;;) {
      // the next page is read while this one goes out; who leaves meanwhile does not hear how that went
      const next = page.next_cursor === undefined ? undefined : pageAt(page.next_cursor);
      next?.catch(() => {});
      for (const user of page.items) {
        if (user.id === after) continue;
        const { external_id, locale } = user.value;
        yield { ...toUser(user), ...(external_id !== undefined && { external_id }), ...(locale && { locale }) };
      }
      if (!next) return;
      page = await next;
    }
  },
});
