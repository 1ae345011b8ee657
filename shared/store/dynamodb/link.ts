/** The connection to DynamoDB that all parts of the store share. */
import { type AwsClient, awsClient } from '../../aws/client.ts';
import type { AwsOptions } from '../../aws/settings.ts';
import { AppError } from '../../kit/errors.ts';
import { unitRandom } from '../../messaging/backoff.ts';
import type { Ports } from '../../ports/index.ts';
import { type Db, documents } from './db.ts';
import { type Attempt, attempts } from './retry.ts';
import { tableName } from './tables.ts';

export interface Link extends Pick<Ports, 'clock' | 'ids' | 'log'> {
  client: AwsClient;
  db: Db;
  attempt: Attempt;
  /** The name of a table. */
  table(name: string): string;
  /** Whether requests go to this machine; known after the first one. */
  isLocal(): boolean;
  /** From then on every attempt fails as `unavailable`. */
  close(): void;
}

const LOCAL = new Set(['localhost', '127.0.0.1', '::1', '[::1]']);

/** Region, credentials and endpoint come from the environment or the SDK's default chain, unless `options` say otherwise. */
export const connect = (
  prefix: string,
  ports: Pick<Ports, 'clock' | 'ids' | 'log'>,
  options: AwsOptions = {},
): Link => {
  const client = awsClient('dynamodb', options);
  const attempt = attempts(() => unitRandom(ports.ids));
  let closed = false;
  return {
    ...ports,
    client,
    db: documents(client),
    attempt: async (call, tried) => {
      if (closed) throw new AppError('unavailable', { detail: 'The store is closed' });
      return attempt(call, tried);
    },
    table: (name) => tableName(prefix, name),
    isLocal: () => LOCAL.has(client.host()),
    close: () => {
      if (!closed) client.close();
      closed = true;
    },
  };
};
