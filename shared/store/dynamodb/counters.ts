/** Counters: one atomic step each, counted once even when an answer was lost on the way. */
import { AppError } from '../../kit/errors.ts';
import type { Store } from '../../ports/store.ts';
import type { Versions } from '../record.ts';
import { absent, type Item, toItem } from './item.ts';
import type { Link } from './link.ts';
import { isConditionFailed } from './retry.ts';

/** The last writers of a counter, newest first. A lost answer is recognized unless as many others wrote since. */
const MARKS = ['mark', ...Array.from({ length: 7 }, (_, n) => `mark_${n + 1}`)];
const ROUNDS = 20;

const SHIFT = MARKS.slice(1).map((name, n) => `#${name} = if_not_exists(#${MARKS[n]}, :none)`);
const NAMES = Object.fromEntries(['version', 'count', 'expires_at', ...MARKS].map((name) => [`#${name}`, name]));
const ADD = {
  UpdateExpression: `SET #mark = :mark, ${SHIFT.join(', ')} ADD #count :by, #version :one`,
  ConditionExpression:
    'attribute_exists(#count) AND (attribute_not_exists(#expires_at) OR #expires_at > :now) AND ' +
    `NOT (:mark IN (${MARKS.map((name) => `#${name}`).join(', ')}))`,
};

export const increment =
  ({ db, attempt, clock, ids, table }: Link, versions: Versions): Store['increment'] =>
  async (collection, id, { by = 1, expires_at }) => {
    const TableName = table(collection.name);
    const mark = ids.random(9);

    /** The new count; false when the condition did not hold. */
    const count = async (send: () => Promise<number>): Promise<number | false> => {
      try {
        return await attempt(send);
      } catch (error) {
        if (!isConditionFailed(error)) throw error;
        // an earlier try was applied after all
        if (MARKS.some((name) => error.Item?.[name]?.S === mark)) return Number(error.Item?.count?.N);
        return false;
      }
    };

    for (let round = 0; round < ROUNDS; round++) {
      const now = clock.now();
      const add = {
        ...ADD,
        TableName,
        Key: { id },
        ExpressionAttributeNames: NAMES,
        ExpressionAttributeValues: { ':mark': mark, ':none': '', ':by': by, ':one': 1, ':now': now },
        ReturnValues: 'ALL_NEW' as const,
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
      };
      const added = await count(async () => ((await db.update(add)).Attributes as Item).count!);
      if (added !== false) return added;

      const put = {
        TableName,
        Item: toItem(collection, { id, version: versions.next(), value: { count: by }, expires_at }, mark),
        ...absent(now),
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
      };
      const started = await count(() => db.put(put).then(() => by));
      if (started !== false) return started;
    }
    throw new AppError('unavailable', { retry_after: 1 });
  };
