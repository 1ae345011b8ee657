/** `STORE_URL`: where records are kept. */
import { resolve } from 'node:path';
import { addressOr } from './address.ts';
import { requireFile } from './files.ts';
import { StartError } from './start-error.ts';

/** One server, reached by TCP or by the socket in a folder. */
export interface PostgresConfig {
  url: string;
  /** The server, for messages: `host:port` or a folder. */
  where: string;
  /** Connections of this process. */
  max: number;
}

export type StoreConfig =
  | { engine: 'sqlite'; file: string }
  | ({ engine: 'postgres' } & PostgresConfig)
  | { engine: 'dynamodb'; prefix: string };

const MAX = 10;
const POSTGRES =
  'STORE_URL names no PostgreSQL that can be reached: use postgres://user:password@host:port/database, or postgres://user:password@/database?host=/folder/of/the/socket; of one host, with %-escapes in the password';

/** A socket's form has no host before the path, which only PostgreSQL's own URLs may leave out. */
const postgresOf = (url: string): PostgresConfig => {
  const address = addressOr(url.replace(/^(postgres(?:ql)?:\/\/(?:[^@/?#]*@)?)(?=[/?#]|$)/, '$1localhost'), POSTGRES);
  const host = address.searchParams.get('host') ?? address.hostname;
  if (host === '' || /[,\s]/.test(host)) throw new StartError(POSTGRES);
  const socket = /^(\/|%2f)/i.test(host);
  const port = address.searchParams.get('port') ?? address.port;
  for (const name of ['sslrootcert', 'sslcert', 'sslkey'])
    requireFile(`STORE_URL, ${name}`, address.searchParams.get(name) ?? undefined);
  const max = Number(address.searchParams.get('max') ?? MAX);
  return {
    url: address.href,
    where: socket ? decodeURIComponent(host) : `${host}:${port || 5432}`,
    max: Number.isInteger(max) && max > 0 ? max : MAX,
  };
};

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
