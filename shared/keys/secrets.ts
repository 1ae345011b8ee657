/** One master secret; for every purpose a key of its own, derived by HKDF-SHA256 (RFC 5869). */
import { hkdfSync, randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { AwsError, awsClient } from '../aws/client.ts';
import type { Config } from '../config/config.ts';
import { requireStrongSecret, SECRETS_MANAGER } from '../config/keys.ts';
import { StartError } from '../config/start-error.ts';
import { adapter } from '../kit/adapter.ts';
import { AppError } from '../kit/errors.ts';
import type { Secrets } from '../ports/secrets.ts';
import { createPrivateFile, readPrivateFile } from './private-file.ts';

/** Derives keys from a master secret. @example createSecrets(master).key('cursor') // 32 bytes, always the same */
export const createSecrets = (master: string): Secrets => {
  const derived = new Map<string, Uint8Array>();
  return {
    key: (purpose) => {
      let key = derived.get(purpose);
      if (!key) {
        key = new Uint8Array(hkdfSync('sha256', master, 'perfect21', `perfect21/${purpose}/v1`, 32));
        derived.set(purpose, key);
      }
      return key;
    },
  };
};

/** The secret of this data folder, made at the first start. Processes that start together agree on one. */
export const readOrMakeSecret = (dataDir: string): string => {
  const file = resolve(dataDir, 'secret');
  let content = readPrivateFile(file);
  if (content === undefined) {
    createPrivateFile(file, `${randomBytes(32).toString('base64url')}\n`);
    content = readPrivateFile(file);
  }
  try {
    return requireStrongSecret(content!.trim());
  } catch (cause) {
    const advice =
      'restore it, or remove it for a new one (what the old one sealed, such as refresh tokens, is then void)';
    throw new StartError(`${file} holds no secret, or one that is too weak: ${advice}`, { cause });
  }
};

/**
 * The secret of AWS Secrets Manager.
 *
 * @throws AppError `unavailable` while Secrets Manager is away; StartError when it refuses, or holds no strong secret
 */
const readFromAws = async (id: string): Promise<string> => {
  const client = awsClient('secretsmanager');
  try {
    const { SecretString } = await client.call('GetSecretValue', { SecretId: id });
    return requireStrongSecret(String(SecretString ?? ''));
  } catch (cause) {
    if (cause instanceof StartError) throw cause;
    if (!(cause instanceof AwsError) || cause.$metadata.httpStatusCode >= 500 || cause.name === 'ThrottlingException') {
      throw new AppError('unavailable', { detail: 'The secret is away', retry_after: 1, cause });
    }
    throw new StartError(`PERFECT21_SECRET can't be read from Secrets Manager: ${cause.name}`, { cause });
  } finally {
    client.close();
  }
};

export const secrets = adapter({
  port: 'secrets',
  env: ['PERFECT21_SECRET', 'PERFECT21_DATA_DIR'],
  iam: [{ actions: ['secretsmanager:GetSecretValue'], resource: { Ref: 'PlatformSecret' } }],
  open: async (_, { secret, data_dir }: Config) => {
    if (!secret) return { port: createSecrets(readOrMakeSecret(data_dir)) };
    const held = secret.startsWith(SECRETS_MANAGER) ? await readFromAws(secret.slice(SECRETS_MANAGER.length)) : secret;
    return { port: createSecrets(held) };
  },
});
