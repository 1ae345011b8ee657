import * as z from 'zod';
import { auditLines } from '../../shared/kit/audit-records.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import { remove, update } from '../../shared/ports/store.ts';
import { userDeleted } from '../users/events.ts';
import { removalOf } from './passkeys.ts';
import { factors, passkeyOwners, passkeys } from './records.ts';

/** Deletes the second factor and the passkeys of a user who is gone, and from where he acted; what was done stays in the audit log. */
export const onUserDeleted = operation({
  name: 'auth.on-user-deleted',
  summary: 'Deletes the second factor and passkeys of a deleted user, and from where he acted',
  subscription: { queue: 'auth-service.deletions', bindings: [userDeleted.key], types: [userDeleted.type] },
  access: 'service',
  input: envelopeOf(userDeleted),
  output: z.object({}),
  errors: ['conflict'],
  reads: [factors, passkeys, passkeyOwners, auditLines],
  queries: ['audit_lines.by_actor', 'audit_lines.by_subject'],
  writes: [factors, passkeys, passkeyOwners, auditLines],
  run: async ({ store }, { data: { user_id } }) => {
    await retryConflict(async () => {
      const [factor, keys] = await Promise.all([store.get(factors, user_id), removalOf(store, user_id)]);
      const writes = [...(factor ? [remove(factors, factor)] : []), ...keys];
      if (writes.length) await store.transact(writes);
    });
    for (const list of ['by_actor', 'by_subject'] as const) {
      for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
        const page = await store.query(auditLines, list, user_id, { limit: 50, cursor });
        // lines are sealed meanwhile, so what each says now is read by its id
        await retryConflict(async () => {
          const found = await store.getMany(
            auditLines,
            page.items.map(({ id }) => id),
          );
          // of others who acted on him the origin is theirs
          const his = [...found.values()].filter(
            ({ value: { origin, actor, actor_kind } }) => origin && (actor === user_id || actor_kind === 'anonymous'),
          );
          const bare = his.map((line) => update(auditLines, line, { ...line.value, origin: undefined }));
          if (bare.length) await store.transact(bare);
        });
        cursor = page.next_cursor;
      }
    }
    return {};
  },
});
