/** `KEYS_URL` and `PERFECT21_SECRET`: what signs, and what is kept secret. */
import { StartError } from './start-error.ts';

export type KeysConfig =
  | { source: 'file'; file: string }
  | { source: 'kms'; key_id: string }
  | { source: 'jwks'; url: string };

export const keysOf = (url: string): KeysConfig => {
  if (/^file:./.test(url)) return { source: 'file', file: url.slice('file:'.length) };
  if (url.startsWith('kms:')) return { source: 'kms', key_id: url.slice('kms:'.length) };
  if (/^https?:/.test(url) && URL.canParse(url)) return { source: 'jwks', url };
  throw new StartError(
    'KEYS_URL names no known source: use file:<path>, kms:<key-id> or, to verify only, https://<issuer>/…',
  );
};

const WEAK = /^(.)\1*$|secret|password|change.?me|example|sample/i;

export const SECRET_MISSING =
  'PERFECT21_SECRET is missing: set at least 32 random bytes, the same for all processes of one platform';

/** Whether a secret has to be the same in several processes, so that none may make its own. */
export const sharesSecret = ({ env, store }: { env: { NODE_ENV?: string }; store: { engine: string } }): boolean =>
  store.engine !== 'sqlite' || env.NODE_ENV === 'production';

/** A secret that is read from AWS Secrets Manager when it is needed: `secretsmanager:<id or ARN>`. */
export const SECRETS_MANAGER = 'secretsmanager:';

/** A secret that others may know is no secret. */
export const requireStrongSecret = (secret: string): string => {
  if (Buffer.byteLength(secret) < 32 || WEAK.test(secret)) {
    throw new StartError(
      'PERFECT21_SECRET is too weak: set at least 32 random bytes, e.g. from "openssl rand -base64 32"',
    );
  }
  return secret;
};

/** The members of a JSON list; undefined for what is none. */
const jsonList = (text: string): unknown[] | undefined => {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list : undefined;
  } catch {
    return undefined;
  }
};

/**
 * The secrets in a text, the newest first: one a line, separated by commas, or as a JSON list.
 *
 * @throws StartError when one of them is too weak
 */
export const secretsIn = (text: string): [string, ...string[]] => {
  const list = text.trim().startsWith('[') ? jsonList(text) : undefined;
  const found = (list?.map(String) ?? text.split(/[,\n]/)).map((each) => each.trim()).filter(Boolean);
  return (found.length ? found : ['']).map(requireStrongSecret) as [string, ...string[]];
};
