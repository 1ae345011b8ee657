/**
 * The store on DynamoDB: one table for each collection, so that rights are given by collection.
 *
 * @example STORE_URL=dynamodb://perfect21-prod
 */
import type { AwsOptions } from '../../aws/settings.ts';
import { StartError } from '../../config/start-error.ts';
import { adapter } from '../../kit/adapter.ts';
import type { Store } from '../../ports/store.ts';
import { commits } from '../commits.ts';
import { cursors } from '../cursor.ts';
import { Versions } from '../record.ts';
import type { StoreSchema } from '../schema.ts';
import { increment } from './counters.ts';
import { connect } from './link.ts';
import { messages } from './messages.ts';
import { Owners } from './owners.ts';
import { ping } from './ping.ts';
import { reader } from './reads.ts';
import { openShape } from './shape.ts';
import { transact } from './writes.ts';

/** What an operator forgot, as one line. */
const startError = (error: unknown): unknown => {
  const { name, message } = error as Error;
  if (message === 'Region is missing') return new StartError('AWS_REGION is missing: set the region of the tables');
  if (name !== 'CredentialsProviderError') return error;
  return new StartError(
    'No AWS credentials were found: set AWS_PROFILE or AWS_ACCESS_KEY_ID (any for a local endpoint)',
  );
};

/**
 * The adapter. Region, credentials and endpoint come from the environment or the SDK's default chain, `options` aside. In AWS the stack
 * makes the tables; at a local endpoint they are made when the store is opened. `may_reshape` is false in functions, which
 * have no rights for it.
 */
export const dynamodbStore = (schema: StoreSchema, options: AwsOptions & { may_reshape?: boolean } = {}) =>
  adapter({
    port: 'store',
    needs: ['clock', 'ids', 'log', 'secrets'],
    env: ['STORE_URL'],
    open: async ({ clock, ids, log, secrets }, { store: config }) => {
      if (config.engine !== 'dynamodb')
        throw new StartError('STORE_URL names no tables: use dynamodb://<table-prefix>');
      const link = connect(config.prefix, { clock, ids, log }, options);
      try {
        await openShape(link, config.prefix, schema, options);
      } catch (error) {
        link.close();
        throw startError(error);
      }
      const versions = new Versions(clock);
      const made = commits(log, clock);
      const { onCommit, tell } = made;
      const owners = new Owners(link);
      const close = async () => {
        owners.close();
        link.close();
      };
      const port: Store = {
        ...reader(link, cursors(secrets)),
        transact: transact(link, versions, made, owners),
        increment: increment(link, versions),
        messages: messages(link, owners, tell),
        onCommit,
        ping: () => ping(link),
        close,
      };
      return { port, close };
    },
  });
