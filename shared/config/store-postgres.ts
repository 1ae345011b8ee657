/** `STORE_URL=postgres://…`: the server, and how its connections are used. Functions are without it (infra/aws/leave-out.ts). */
import { addressOr } from './address.ts';
import { requireFile } from './files.ts';
import { StartError } from './start-error.ts';

/** One server, reached by TCP or by the socket in a folder. */
export interface PostgresConfig {
  url: string;
  /** The server, for messages: `host:port` or a folder. */
  where: string;
  /** Connections of this process, beside one by which others know that it lives. */
  max: number;
  /** How long a call waits for a connection, a free one or a new one, ms; then it is answered `unavailable`. */
  connect_timeout: number;
  /** The server ends a statement, a wait for a lock, and a transaction in which nothing happens, after these ms. */
  statement_timeout: number;
  lock_timeout: number;
  idle_in_transaction_session_timeout: number;
  application_name: string;
  /** A pooler stands between that lends a server's connection for a transaction only, such as PgBouncer. */
  pooled: boolean;
}

/** Numbers that a URL may give: what they are without it, and the most they may be. `connect_timeout` is in seconds, as libpq has it. */
const NUMBERS = {
  max: { usual: 10, most: 1_000 },
  connect_timeout: { usual: 5, most: 60 },
  statement_timeout: { usual: 10_000, most: 600_000 },
  lock_timeout: { usual: 5_000, most: 600_000 },
  idle_in_transaction_session_timeout: { usual: 30_000, most: 3_600_000 },
} as const;
const POSTGRES =
  'STORE_URL names no PostgreSQL that can be reached: use postgres://user:password@host:port/database, or postgres://user:password@/database?host=/folder/of/the/socket; of one host, with %-escapes in the password';

/** Takes what is ours out of the address, so that the driver does not take it for a setting of the server. */
const taken = (address: URL, name: string): string | undefined => {
  const text = address.searchParams.get(name) ?? undefined;
  address.searchParams.delete(name);
  return text;
};

const numberOf = (address: URL, name: keyof typeof NUMBERS): number => {
  const { usual, most } = NUMBERS[name];
  const text = taken(address, name);
  if (text === undefined) return usual;
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= 1 && number <= most) return number;
  throw new StartError(`STORE_URL: ${name} is a whole number from 1 to ${most}`);
};

const poolerOf = (address: URL): boolean => {
  const text = taken(address, 'pooler') ?? 'none';
  if (text === 'none' || text === 'transaction') return text === 'transaction';
  throw new StartError('STORE_URL: pooler is "transaction", or left out where none stands between');
};

/** A socket's form has no host before the path, which only PostgreSQL's own URLs may leave out. */
export const postgresOf = (url: string): PostgresConfig => {
  const address = addressOr(url.replace(/^(postgres(?:ql)?:\/\/(?:[^@/?#]*@)?)(?=[/?#]|$)/, '$1localhost'), POSTGRES);
  const host = address.searchParams.get('host') ?? address.hostname;
  if (host === '' || /[,\s]/.test(host)) throw new StartError(POSTGRES);
  const socket = /^(\/|%2f)/i.test(host);
  const port = address.searchParams.get('port') ?? address.port;
  for (const name of ['sslrootcert', 'sslcert', 'sslkey'])
    requireFile(`STORE_URL, ${name}`, address.searchParams.get(name) ?? undefined);
  const settings = {
    max: numberOf(address, 'max'),
    connect_timeout: numberOf(address, 'connect_timeout') * 1000,
    statement_timeout: numberOf(address, 'statement_timeout'),
    lock_timeout: numberOf(address, 'lock_timeout'),
    idle_in_transaction_session_timeout: numberOf(address, 'idle_in_transaction_session_timeout'),
    application_name: taken(address, 'application_name') ?? 'perfect21',
    pooled: poolerOf(address),
  };
  return { ...settings, url: address.href, where: socket ? decodeURIComponent(host) : `${host}:${port || 5432}` };
};
