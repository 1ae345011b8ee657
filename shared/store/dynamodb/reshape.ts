/** Sees to it that one process at a time reshapes the tables; the others wait for it. */

import { setTimeout as sleep } from 'node:timers/promises';
import { StartError } from '../../config/start-error.ts';
import type { StoreSchema } from '../schema.ts';
import { fingerprint, isNewer, shapedNow } from '../sql.ts';
import type { Link } from './link.ts';
import { migrate } from './migrate.ts';
import { isConditionFailed } from './retry.ts';
import { SHAPE, shapeOf } from './shape-item.ts';
import { META } from './tables.ts';

const LOCK = 'lock';
const LEASE_MS = 30_000;
const WAIT_MS = 60_000;

/** Takes the lock, or keeps it. False while another process has it. */
const lock = async ({ db, attempt, clock, table }: Link, owner: string): Promise<boolean> => {
  const request = {
    TableName: table(META),
    Item: { id: LOCK, owner, until: clock.now() + LEASE_MS },
    ConditionExpression: 'attribute_not_exists(#id) OR #owner = :owner OR #until <= :now',
    ExpressionAttributeNames: { '#id': 'id', '#owner': 'owner', '#until': 'until' },
    ExpressionAttributeValues: { ':owner': owner, ':now': clock.now() },
  };
  try {
    await attempt(() => db.put(request));
    return true;
  } catch (error) {
    if (isConditionFailed(error)) return false;
    throw error;
  }
};

/** Lets others in at once. Where that fails, the lease ends by itself. */
const unlock = async ({ db, attempt, table }: Link, owner: string): Promise<void> => {
  const request = {
    TableName: table(META),
    Key: { id: LOCK },
    ConditionExpression: '#owner = :owner',
    ExpressionAttributeNames: { '#owner': 'owner' },
    ExpressionAttributeValues: { ':owner': owner },
  };
  await attempt(() => db.remove(request)).catch(() => undefined);
};

const migrateAll = async (link: Link, schema: StoreSchema, owner: string): Promise<void> => {
  const { db, attempt, log, table } = link;
  const keep = async (): Promise<void> => {
    if (!(await lock(link, owner))) throw new StartError('Another process took over to migrate the store: start again');
  };
  log.info('store.migrated', { engine: 'dynamodb', version: schema.version });
  await migrate(link, schema.collections, keep);
  const shape = { id: SHAPE, ...shapedNow(schema, fingerprint(schema)) };
  await attempt(() => db.put({ TableName: table(META), Item: shape }));
};

/**
 * Brings the tables to the shape of the schema, or waits until another process has.
 *
 * @throws StartError when the data is newer, or another process takes longer than a minute
 */
export const reshape = async (link: Link, schema: StoreSchema): Promise<void> => {
  const wanted = fingerprint(schema);
  const owner = link.ids.uuid();
  for (const started = performance.now(); ; await sleep(100)) {
    if (await lock(link, owner)) {
      try {
        // another one may have done it since we looked
        const stored = await shapeOf(link);
        const done = stored && (isNewer(stored, schema) || (stored.fingerprint === wanted && !schema.finish));
        if (!done) await migrateAll(link, schema, owner);
        return;
      } finally {
        await unlock(link, owner);
      }
    }
    if (performance.now() - started > WAIT_MS) {
      throw new StartError('The store is being migrated by another process: start again when it is done');
    }
  }
};
