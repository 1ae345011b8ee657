/** Writing: one transaction for all that belongs together, and a plain write where a single change is all there is. */
import type { TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import { AppError } from '../../kit/errors.ts';
import { type Effects, type Store, type Write, WriteConflict } from '../../ports/store.ts';
import type { Commits } from '../commits.ts';
import { checkTransact } from '../limits.ts';
import type { Versions } from '../record.ts';
import { absent, toItem, unchanged } from './item.ts';
import type { Link } from './link.ts';
import { added, messageKey, settled } from './message-item.ts';
import type { Owners } from './owners.ts';
import { placeOf, placeOfClaimed } from './places.ts';
import { cancellation, isConditionFailed, type Tried } from './retry.ts';

type Part = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

const partOf = ({ clock, table, ids }: Link, versions: Versions, write: Write): Part => {
  const now = clock.now();
  const { collection, id } = write;
  const at = { TableName: table(collection.name) };
  if (write.kind === 'insert' || write.kind === 'update') {
    const { value, expires_at } = write;
    const insert = write.kind === 'insert';
    const version = versions.next(insert ? 0 : write.version);
    const Item = toItem(collection, { id, version, value, expires_at }, ids.random(9));
    return { Put: { ...at, Item, ...(insert ? absent(now) : unchanged(write.version, now)) } };
  }
  const conditional = { ...at, Key: { id }, ...unchanged(write.version, now) };
  return write.kind === 'delete' ? { Delete: conditional } : { ConditionCheck: conditional };
};

const partsOf = (link: Link, versions: Versions, writes: readonly Write[], effects: Effects): Part[] => {
  const { enqueue = [], settle = [] } = effects;
  const now = link.clock.now();
  const fresh = new Map(enqueue.toReversed().map((message) => [messageKey(placeOf(message), message.id), message]));
  const records = writes.map((write) => partOf(link, versions, write));
  const settling = settle.map((claimed) => {
    // a message that comes back under its id replaces the settled one, as no item may appear twice
    const key = messageKey(placeOfClaimed(claimed), claimed.id);
    const again = fresh.get(key);
    fresh.delete(key);
    return settled(link, claimed, again, now);
  });
  return [...records, ...settling, ...[...fresh.values()].map((message) => added(link, message, now))];
};

/**
 * A single change needs no transaction: half the cost. When an answer was lost, a put is known by its mark, and what was
 * to be deleted and is gone counts as deleted. A message that was added and taken before its answer was lost comes again,
 * as after a crash of who takes it.
 *
 * @param at of the conflict
 */
const alone = async ({ db, attempt }: Link, { Put, Delete, Update }: Part, at: 0 | -1): Promise<void> => {
  const tried: Tried = { unknown: false };
  const old = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const };
  try {
    if (Put) await attempt(() => db.put({ ...Put, ...old }), tried);
    else if (Delete) await attempt(() => db.remove({ ...Delete, ...old }), tried);
    else await attempt(() => db.update(Update!), tried);
  } catch (error) {
    if (!isConditionFailed(error)) throw error;
    if (!tried.unknown) throw new WriteConflict(at);
    if (Put ? error.Item?.mark?.S === Put.Item?.mark : !error.Item) return;
    // nobody can say any more whether it was ours that was overwritten
    throw new AppError('unavailable', { retry_after: 1, cause: error });
  }
};

/** What only looks, and a message that replaces the settled one and has no mark, stay transactions. */
const mayBeAlone = ({ Put, Delete, Update }: Part, isRecord: boolean): boolean =>
  Boolean(Delete ?? Update ?? (isRecord && Put));

const together = async ({ db, attempt, ids }: Link, parts: Part[], writes: number): Promise<void> => {
  // the same token at every try: DynamoDB applies it once and answers later tries as the first
  const request = { TransactItems: parts, ClientRequestToken: ids.uuid() };
  try {
    await attempt(() => db.transactWrite(request));
  } catch (error) {
    const at = cancellation(error)?.indexOf('ConditionalCheckFailed') ?? -1;
    if (at < 0) throw error;
    throw new WriteConflict(at < writes ? at : -1);
  }
};

export const transact =
  (link: Link, versions: Versions, commits: Commits, owners: Owners): Store['transact'] =>
  async (writes, effects = {}) => {
    checkTransact(writes, effects);
    const parts = partsOf(link, versions, writes, effects);
    const [first] = parts;
    if (!first) return;
    if (parts.length === 1 && mayBeAlone(first, writes.length === 1)) await alone(link, first, writes.length ? 0 : -1);
    else await together(link, parts, writes.length);
    owners.drop(effects.settle ?? []);
    commits.announce(effects.enqueue);
  };
