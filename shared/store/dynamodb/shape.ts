/** Looks at what the tables were shaped for when the store is opened. */

import { StartError } from '../../config/start-error.ts';
import type { StoreSchema } from '../schema.ts';
import { fingerprint, isNewer } from '../sql.ts';
import type { Link } from './link.ts';
import { ensureTables } from './make-tables.ts';
import { reshape } from './reshape.ts';
import { type Shape, shapeOf } from './shape-item.ts';

const isMissing = (error: unknown): boolean => (error as Error).name === 'ResourceNotFoundException';
const isForbidden = (error: unknown): boolean => (error as Error).name === 'AccessDeniedException';

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
  if (stored && isNewer(stored, schema)) return stored;
  // in AWS they are the stack's; at a local endpoint there is no stack
  if (link.isLocal() && stored?.fingerprint !== fingerprint(schema)) await ensureTables(link.client, prefix, schema);
  return stored;
};

/**
 * Makes sure that the tables are as this program needs them.
 *
 * With `may_reshape: false`, as in functions, nothing is written: where nothing is known it goes on (the stack is new),
 * and where the data is older it does not start until `npx perfect21 migrate` has been here.
 *
 * @throws StartError when the data is newer, or older and this process may not migrate it
 */
export const openShape = async (
  link: Link,
  prefix: string,
  schema: StoreSchema,
  { may_reshape = true }: { may_reshape?: boolean } = {},
): Promise<void> => {
  const stored = await firstLook(link, prefix, schema);
  if (stored && (isNewer(stored, schema) || (stored.fingerprint === fingerprint(schema) && !schema.finish))) return;
  const older = (): StartError =>
    new StartError(
      `The tables ${prefix}-… are of an older release (schema version ${stored!.version}): run "npx perfect21 migrate" first`,
    );
  if (!may_reshape) {
    if (stored) throw older();
    link.log.warn('store.shape_unknown', { detail: 'Run "npx perfect21 migrate" after each deployment' });
    return;
  }
  try {
    await reshape(link, schema);
  } catch (error) {
    if (!isForbidden(error)) throw error;
    if (stored) throw older();
  }
};
