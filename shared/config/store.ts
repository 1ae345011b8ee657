/** `STORE_URL`: where records are kept. */
import { resolve } from 'node:path';
import { StartError } from './start-error.ts';
import { type PostgresConfig, postgresOf } from './store-postgres.ts';

export type StoreConfig =
  | { engine: 'sqlite'; file: string }
  | ({ engine: 'postgres' } & PostgresConfig)
  | { engine: 'dynamodb'; prefix: string };

export const storeOf = (url: string, dataDir: string): StoreConfig => {
  if (url.startsWith('sqlite:')) {
    const file = url.slice('sqlite:'.length);
    return { engine: 'sqlite', file: file === '' ? resolve(dataDir, 'perfect21.db') : file };
  }
  if (/^postgres(ql)?:\/\//.test(url)) return { engine: 'postgres', ...postgresOf(url) };
  const dynamo = /^dynamodb:\/\/([A-Za-z0-9_.-]{3,40})$/.exec(url);
  if (dynamo) return { engine: 'dynamodb', prefix: dynamo[1]! };
  throw new StartError('STORE_URL names no known engine: use sqlite:<file>, postgres://… or dynamodb://<table-prefix>');
};
