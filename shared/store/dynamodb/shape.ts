/** Looks at what the tables were shaped for when the store is opened, and sees to it that one process reshapes them. */

import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteCommand, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { StartError } from '../../config/start-error.ts';
import type { StoreSchema } from '../schema.ts';
import { fingerprint, refuseNewer } from '../sql.ts';
import type { Link } from './link.ts';
import { ensureTables } from './make-tables.ts';
import { migrate } from './migrate.ts';
import { isConditionFailed } from './retry.ts';
import { META } from './tables.ts';

const SHAPE = 'schema';
const LOCK = 'lock';
const LEASE_MS = 30_000;
const WAIT_MS = 60_000;

interface Shape {
  version: number;
  fingerprint: string;
}

const isMissing = (error: unknown): boolean => (error as Error).name === 'ResourceNotFoundException';
const isForbidden = (error: unknown): boolean => (error as Error).name === 'AccessDeniedException';

/** What the tables were shaped for; undefined when nobody said so yet. Also the store's health check. */
export const shapeOf = async ({ db, attempt, table }: Link): Promise<Shape | undefined> => {
  const request = new GetCommand({ TableName: table(META), Key: { id: SHAPE }, ConsistentRead: true });
  return (await attempt(() => db.send(request))).Item as Shape | undefined;
};

/** Takes the lock, or keeps it. False while another process has it. */
const lock = async ({ db, attempt, clock, table }: Link, owner: string): Promise<boolean> => {
  const request = new PutCommand({
    TableName: table(META),
    Item: { id: LOCK, owner, until: clock.now() + LEASE_MS },
    ConditionExpression: 'attribute_not_exists(#id) OR #owner = :owner OR #until <= :now',
    ExpressionAttributeNames: { '#id': 'id', '#owner': 'owner', '#until': 'until' },
    ExpressionAttributeValues: { ':owner': owner, ':now': clock.now() },
  });
  try {
    await attempt(() => db.send(request));
    return true;
  } catch (error) {
    if (isConditionFailed(error)) return false;
    throw error;
  }
};

/** Lets others in at once. Where that fails, the lease ends by itself. */
const unlock = async ({ db, attempt, table }: Link, owner: string): Promise<void> => {
  const request = new DeleteCommand({
    TableName: table(META),
    Key: { id: LOCK },
    ConditionExpression: '#owner = :owner',
    ExpressionAttributeNames: { '#owner': 'owner' },
    ExpressionAttributeValues: { ':owner': owner },
  });
  await attempt(() => db.send(request)).catch(() => undefined);
};

const reshape = async (link: Link, schema: StoreSchema, owner: string): Promise<void> => {
  const { db, attempt, log, table } = link;
  const keep = async (): Promise<void> => {
    if (!(await lock(link, owner))) throw new StartError('Another process took over to migrate the store: start again');
  };
  log.info('store_migration', { engine: 'dynamodb', version: schema.version });
  await migrate(link, schema.collections, keep);
  const shape = { id: SHAPE, version: schema.version, fingerprint: fingerprint(schema) };
  await attempt(() => db.send(new PutCommand({ TableName: table(META), Item: shape })));
};

const firstLook = async (link: Link, prefix: string, schema: StoreSchema): Promise<Shape | undefined> => {
  let stored: Shape | undefined;
  try {
    stored = await shapeOf(link);
  } catch (error) {
    if (!isMissing(error)) throw error;
    if (!link.isLocal()) {
      throw new StartError(`There are no tables ${prefix}-… in this account and region: deploy the stack first`);
    }
  }
  refuseNewer(stored?.version ?? 0, schema);
  // in AWS they are the stack's; at a local endpoint there is no stack
  if (link.isLocal() && stored?.fingerprint !== fingerprint(schema)) await ensureTables(link.client, prefix, schema);
  return stored;
};

/**
 * Makes sure that the tables are as this program needs them.
 *
 * Functions hold no rights to reshape: where nothing is known they go on (the stack is new), and where the data is older
 * they don't start until a process with the rights, such as a deployment step, has been here.
 *
 * @throws StartError when the data is newer, or older and this process may not migrate it
 */
export const openShape = async (link: Link, prefix: string, schema: StoreSchema): Promise<void> => {
  const wanted = fingerprint(schema);
  const owner = link.ids.uuid();
  let stored = await firstLook(link, prefix, schema);
  const started = performance.now();
  while (stored?.fingerprint !== wanted) {
    try {
      if (await lock(link, owner)) {
        try {
          // another one may have done it since we looked
          stored = await shapeOf(link);
          refuseNewer(stored?.version ?? 0, schema);
          if (stored?.fingerprint !== wanted) await reshape(link, schema, owner);
          return;
        } finally {
          await unlock(link, owner);
        }
      }
    } catch (error) {
      if (!isForbidden(error)) throw error;
      if (!stored) return;
      throw new StartError(
        `The tables ${prefix}-… are of an older release (schema version ${stored.version}): run the migration of this one first`,
      );
    }
    if (performance.now() - started > WAIT_MS) {
      throw new StartError('The store is being migrated by another process: start again when it is done');
    }
    await sleep(100);
    stored = await shapeOf(link);
    refuseNewer(stored?.version ?? 0, schema);
  }
};
