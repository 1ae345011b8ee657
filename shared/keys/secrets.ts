/** A master secret, and older ones beside it; for every purpose a key of its own, derived by HKDF-SHA256 (RFC 5869). */
import { hkdfSync, randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import { SECRET_MISSING, SECRETS_MANAGER, secretsIn, sharesSecret } from '../config/keys.ts';
import { StartError } from '../config/start-error.ts';
import { adapter } from '../kit/adapter.ts';
import type { Secrets } from '../ports/secrets.ts';
import { readAwsSecrets } from './aws-secret.ts';
import { createPrivateFile, readPrivateFile } from './private-file.ts';

/**
 * Derives keys from master secrets, the newest of which comes first.
 *
 * @example createSecrets(master).key('cursor') // 32 bytes, always the same
 */
export const createSecrets = (...masters: [string, ...string[]]): Secrets => {
  const derived = new Map<string, readonly Uint8Array[]>();
  const keys: Secrets['keys'] = (purpose) => {
    const found =
      derived.get(purpose) ??
      masters.map((each) => new Uint8Array(hkdfSync('sha256', each, 'perfect21', `perfect21/${purpose}/v1`, 32)));
    derived.set(purpose, found);
    return found;
  };
  return { keys, key: (purpose) => keys(purpose)[0]! };
};

/** Where the secrets of a data folder stand, one a line, the newest first. */
export const secretFile = (dataDir: string): string => resolve(dataDir, 'secret');

/** A new master secret. */
export const makeSecret = (): string => randomBytes(32).toString('base64url');

/** The secrets of this data folder, the first made at the first start. Processes that start together agree on one. */
export const readOrMakeSecrets = (dataDir: string): [string, ...string[]] => {
  const file = secretFile(dataDir);
  let content = readPrivateFile(file);
  if (content === undefined) {
    createPrivateFile(file, `${makeSecret()}\n`);
    content = readPrivateFile(file);
  }
  try {
    return secretsIn(content!);
  } catch (cause) {
    const advice =
      'restore it, or remove it for a new one (what the old one sealed, such as refresh tokens, is then void)';
    throw new StartError(`${file} holds no secret, or one that is too weak: ${advice}`, { cause });
  }
};

export const secrets = adapter({
  port: 'secrets',
  env: ['PERFECT21_SECRET', 'PERFECT21_DATA_DIR'],
  iam: [{ actions: ['secretsmanager:GetSecretValue'], resource: { Ref: 'PlatformSecret' } }],
  open: async (_, { secret, data_dir, env, store }: Config) => {
    if (!secret) {
      // one that only this process knows opens nothing of the others
      if (sharesSecret({ env, store })) throw new StartError(SECRET_MISSING);
      return { port: createSecrets(...readOrMakeSecrets(data_dir)) };
    }
    if (!secret.startsWith(SECRETS_MANAGER)) return { port: createSecrets(...secretsIn(secret)) };
    return { port: createSecrets(...(await readAwsSecrets(secret.slice(SECRETS_MANAGER.length)))) };
  },
});
