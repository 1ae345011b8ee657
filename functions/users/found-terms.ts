/**
 * Terms that begin so, in order, of accounts of several statuses: one list for each status, read side by side. One list of all
 * beside those would double what every account costs to write.
 */
import { AppError } from '../../shared/kit/errors.ts';
import type { OperationStore } from '../../shared/kit/operation.ts';
import type { Stored } from '../../shared/ports/store.ts';
import { type UserTerm, userTerms } from './records.ts';
import { USER_STATUSES, type UserStatus } from './status.ts';
import { isTermBefore } from './terms.ts';

type Store = OperationStore<'user_terms', never, never, 'user_terms.by_status'>;
type Order = 'asc' | 'desc';

/** Statuses of accounts that can be found. */
const FOUND = USER_STATUSES.filter((status) => status !== 'deleted');
const BETWEEN = '.';

const statusesOf = (status: UserStatus | undefined): readonly UserStatus[] => (status ? [status] : FOUND);

/** Where a list goes on behind a term, whichever status it has. */
export const placeOf = (
  store: Pick<Store, 'cursorAt'>,
  { id, value }: Stored<UserTerm>,
  { status, prefix, order }: { status?: UserStatus; prefix: string; order: Order },
): string =>
  statusesOf(status)
    .map((each) =>
      store.cursorAt(userTerms, 'by_status', each, { id, value: { ...value, status: each } }, { order, prefix }),
    )
    .join(BETWEEN);

/** One status's list, read as far as it is looked at. */
class List {
  readonly #read: (cursor: string | undefined) => ReturnType<Store['query']>;
  #terms: Stored<UserTerm>[] = [];
  #cursor: string | undefined;
  #more = true;

  constructor(read: (cursor: string | undefined) => ReturnType<Store['query']>, cursor: string | undefined) {
    this.#read = read;
    this.#cursor = cursor;
  }

  /** The next term, which stays the next until it is taken; undefined at the end. */
  async head(): Promise<Stored<UserTerm> | undefined> {
    while (!this.#terms.length && this.#more) {
      const page = await this.#read(this.#cursor);
      this.#terms = page.items as Stored<UserTerm>[];
      this.#cursor = page.next_cursor;
      this.#more = page.next_cursor !== undefined;
    }
    return this.#terms[0];
  }

  take(): void {
    this.#terms.shift();
  }
}

/**
 * The terms, one after the other.
 *
 * @param from what `placeOf` gave for the same list
 * @param atOnce how many of a status are read together
 * @throws AppError `invalid_request` (path `cursor`) for a place in another list
 */
export async function* foundTerms(
  store: Pick<Store, 'query'>,
  {
    status,
    prefix,
    order,
    from,
    atOnce,
  }: { status?: UserStatus; prefix: string; order: Order; from?: string; atOnce: number },
): AsyncGenerator<Stored<UserTerm>> {
  const statuses = statusesOf(status);
  const cursors = from?.split(BETWEEN) ?? [];
  if (from !== undefined && cursors.length !== statuses.length) {
    throw new AppError('invalid_request', { errors: [{ path: 'cursor', message: 'Not a cursor of this list' }] });
  }
  const lists = statuses.map((each, n) => {
    const read = (cursor?: string) =>
      store.query(userTerms, 'by_status', each, { order, prefix, limit: atOnce, cursor });
    return new List(read, cursors[n]);
  });
  let heads = await Promise.all(lists.map((list) => list.head()));
  for (;;) {
    let next = -1;
    for (const [n, head] of heads.entries()) {
      if (head && (next < 0 || isTermBefore(head, heads[next]!) === (order === 'asc'))) next = n;
    }
    const found = heads[next];
    if (!found) return;
    yield found;
    lists[next]!.take();
    heads = heads.with(next, await lists[next]!.head());
  }
}
