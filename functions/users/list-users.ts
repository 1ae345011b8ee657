import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import type { Stored } from '../../shared/ports/store.ts';
import { toMessage } from './fields.ts';
import { foundTerms, placeOf } from './found-terms.ts';
import { toUser, User } from './model.ts';
import { type UserRecord, type UserTerm, users, userTerms } from './records.ts';
import { USER_STATUSES, type UserStatus } from './status.ts';
import { prefixOf, shownAt } from './terms.ts';

const BACK = 'b';
const ON = 'f';

/** A record in the list, and the account that it shows. */
type Shown<T> = { place: Stored<T>; user: Stored<UserRecord> };

/**
 * Lists accounts, page by page in both directions: newest first, or with `q` in the order of what it found.
 *
 * `q` finds by the beginning of address, user name, phone number and name (first or last), whatever its case and accents, and by
 * the domain with `@` before it. Nothing is counted, and nothing is read that is not shown but what one account is found by twice.
 */
export const listUsers = operation({
  name: 'users.list-users',
  summary: 'Lists and finds users',
  http: { method: 'GET', path: '/api/v1/users' },
  rpc: {
    method: 'perfect21.user.UserAdminService/ListUsers',
    request: ({ status, q, cursor, limit }) => ({
      ...(status !== undefined && { status: (USER_STATUSES[status] ?? 'none') as UserStatus }),
      ...(q && { q }),
      ...(cursor && { cursor }),
      ...(limit && { limit }),
    }),
    response: ({ users, ...cursors }) => ({ users: users.map(toMessage), ...cursors }),
  },
  access: 'users:read',
  input: z.strictObject({
    status: z.enum(USER_STATUSES).optional(),
    q: z
      .string()
      .max(320)
      .optional()
      .meta({ description: 'The beginning of an address, user name, phone number or name; or @domain' }),
    cursor: z.string().max(4_096).optional(),
    limit: z.coerce.number().int().min(1).max(200).default(50),
  }),
  output: z.object({
    users: z.array(User),
    next_cursor: z.string().optional().meta({ description: 'Of the next page; left out on the last one' }),
    previous_cursor: z.string().optional().meta({ description: 'Of the page before; left out on the first one' }),
  }),
  reads: [users, userTerms],
  queries: ['users.by_status', 'users.by_creation', 'user_terms.by_status'],
  run: async ({ store }, { status, q = '', cursor, limit }) => {
    const back = cursor?.[0] === BACK;
    if (cursor !== undefined && !back && cursor[0] !== ON) {
      throw new AppError('invalid_request', { errors: [{ path: 'cursor', message: 'Not a cursor of this list' }] });
    }
    const from = cursor?.slice(1);

    /** @param forward the order of the pages; on the way back they are read the other way round */
    const pageOf = <T>(
      forward: 'asc' | 'desc',
      shown: Shown<T>[],
      more: boolean,
      at: (place: Stored<T>, order: 'asc' | 'desc') => string,
    ) => {
      if (back) shown.reverse();
      const [first, last] = [shown[0], shown.at(-1)];
      const backward = forward === 'asc' ? 'desc' : 'asc';
      const goesOn = last && (back || more);
      const goesBack = first && (back ? more : cursor !== undefined);
      return {
        users: shown.map(({ user }) => toUser(user)),
        ...(goesOn && { next_cursor: ON + at(last.place, forward) }),
        ...(goesBack && { previous_cursor: BACK + at(first.place, backward) }),
      };
    };

    const prefix = prefixOf(q);
    if (prefix === '') {
      const order = back ? 'asc' : 'desc';
      const [index, hash] = status ? (['by_status', status] as const) : (['by_creation', 'all'] as const);
      const page = await store.query(users, index, hash, { order, limit, cursor: from });
      const shown = page.items.map((user) => ({ place: user, user }));
      return pageOf<UserRecord>('desc', shown, page.next_cursor !== undefined, (place, order) =>
        store.cursorAt(users, index, hash, place, { order }),
      );
    }

    const order = back ? 'desc' : 'asc';
    const shown: Shown<UserTerm>[] = [];
    const show = async (places: Stored<UserTerm>[]): Promise<void> => {
      const found = await store.getMany(users, [...new Set(places.map(({ value }) => value.user_id))]);
      for (const place of places) {
        const user = found.get(place.value.user_id);
        // an index may be moments behind
        const lives = user && user.value.status === place.value.status;
        if (lives && shownAt(user, prefix) === place.id) shown.push({ place, user });
      }
    };
    const atOnce = 2 * limit + 1;
    let places: Stored<UserTerm>[] = [];
    for await (const place of foundTerms(store, { status, prefix, order, from, atOnce })) {
      if (places.push(place) < atOnce) continue;
      await show(places);
      places = [];
      if (shown.length > limit) break;
    }
    await show(places);
    return pageOf('asc', shown.slice(0, limit), shown.length > limit, (place, order) =>
      placeOf(store, place, { status, prefix, order }),
    );
  },
});
