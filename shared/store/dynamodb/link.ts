/** The connection to DynamoDB that all parts of the store share. */
import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { AppError } from '../../kit/errors.ts';
import { unitRandom } from '../../messaging/backoff.ts';
import type { Ports } from '../../ports/index.ts';
import { type Attempt, attempts } from './retry.ts';
import { tableName } from './tables.ts';

export interface Link extends Pick<Ports, 'clock' | 'ids' | 'log'> {
  client: DynamoDBClient;
  db: DynamoDBDocumentClient;
  attempt: Attempt;
  /** The name of a table. */
  table(name: string): string;
  /** Whether requests go to this machine; known after the first one. */
  isLocal(): boolean;
  /** From then on every attempt fails as `unavailable`. */
  close(): void;
}

const LOCAL = new Set(['localhost', '127.0.0.1', '::1', '[::1]']);

/**
 * Region, credentials and endpoint (AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL) come from the SDK's default chain
 * unless `options` say otherwise. The SDK itself does not retry: only we know what may be repeated.
 */
export const connect = (
  prefix: string,
  ports: Pick<Ports, 'clock' | 'ids' | 'log'>,
  options: DynamoDBClientConfig = {},
): Link => {
  const client = new DynamoDBClient({
    maxAttempts: 1,
    requestHandler: { connectionTimeout: 1_000, requestTimeout: 2_000, throwOnRequestTimeout: true },
    ...options,
  });
  let host = '';
  client.middlewareStack.add(
    (next) => (given) => {
      host = (given.request as { hostname?: string }).hostname ?? '';
      return next(given);
    },
    { step: 'finalizeRequest', name: 'seenHost' },
  );
  const db = DynamoDBDocumentClient.from(client, {
    marshallOptions: { removeUndefinedValues: true, allowImpreciseNumbers: true },
    unmarshallOptions: { wrapNumbers: Number },
  });
  const attempt = attempts(() => unitRandom(ports.ids));
  let closed = false;
  return {
    ...ports,
    client,
    db,
    attempt: async (call, tried) => {
      if (closed) throw new AppError('unavailable', { detail: 'The store is closed' });
      return attempt(call, tried);
    },
    table: (name) => tableName(prefix, name),
    isLocal: () => LOCAL.has(host),
    close: () => {
      if (!closed) client.destroy();
      closed = true;
    },
  };
};
