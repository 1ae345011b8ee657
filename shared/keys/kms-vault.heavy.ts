/**
 * The vault over AWS KMS (envelopes): each text has a data key of its own, made by KMS for it and its user, and kept beside it
 * as KMS sealed it. Whoever has the store and the master secrets opens nothing; each opening is a call that AWS logs.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AwsClient, AwsError } from '../aws/client.ts';
import { AppError } from '../kit/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Vault } from '../ports/vault.ts';
import { openWith, sealWith } from './aes-gcm.ts';
import { Recent } from './recent.ts';
import type { NamedVault } from './vault.ts';

/** Data keys that a process remembers, and for how long (ms): who logs in twice within minutes asks KMS once. */
const REMEMBERED = 500;
const REMEMBERED_MS = 300_000;
/** Of a call to KMS. */
const TRIES = 3;
const PAUSE_MS = 50;

/** A key is known by a hash of its id. */
const nameOf = (id: string): string =>
  createHash('sha256').update('perfect21 kms vault').update(id).digest('base64url').slice(0, 12);

/** Refusals that say that a text was not sealed here for this. */
const FOREIGN = new Set(['InvalidCiphertextException', 'IncorrectKeyException']);

const ask = async (client: AwsClient, operation: 'GenerateDataKey' | 'Decrypt', input: object): Promise<any> => {
  for (let tried = 1; ; tried++) {
    try {
      return await client.call(operation, input);
    } catch (cause) {
      const { $metadata, name } = cause as AwsError;
      if (FOREIGN.has(name)) return undefined;
      const passing = !$metadata || $metadata.httpStatusCode >= 500 || name === 'ThrottlingException';
      if (passing && tried < TRIES) await sleep(PAUSE_MS * tried);
      else throw new AppError('unavailable', { detail: 'The vault is away', retry_after: 1, cause });
    }
  }
};

/**
 * A vault under KMS keys, the newest first; the others open what they sealed. What a vault before it sealed (`before`) opens,
 * too, and is to be sealed anew.
 *
 * What a text is for goes to KMS as encryption context: a data key of one user's seed opens nobody else's.
 *
 * @throws AppError `unavailable` when KMS is away
 * @example const vault = createKmsVault(['alias/seeds'], awsClient('kms'), clock, createVault(secrets));
 */
export const createKmsVault = (ids: readonly string[], client: AwsClient, clock: Clock, before: NamedVault): Vault => {
  const keys = ids.map((id) => ({ id, name: nameOf(id) }));
  const newest = keys[0]!;
  const known = new Recent<string, { key: Buffer; until: number }>(REMEMBERED);

  /** @param text the data key as KMS sealed it */
  const dataKey = async (KeyId: string, text: string, of: string): Promise<Buffer | undefined> => {
    const place = `${of} ${text}`;
    const remembered = known.get(place);
    if (remembered && clock.now() < remembered.until) return remembered.key;
    const CiphertextBlob = Buffer.from(text, 'base64url').toString('base64');
    const opened = await ask(client, 'Decrypt', { KeyId, CiphertextBlob, EncryptionContext: { of } });
    if (!opened) return undefined;
    const key = Buffer.from(opened.Plaintext, 'base64');
    known.set(place, { key, until: clock.now() + REMEMBERED_MS });
    return key;
  };

  return {
    seal: async (plain, of) => {
      const asked = { KeyId: newest.id, KeySpec: 'AES_256', EncryptionContext: { of } };
      const { Plaintext, CiphertextBlob } = await ask(client, 'GenerateDataKey', asked);
      const text = Buffer.from(CiphertextBlob, 'base64').toString('base64url');
      return `${newest.name}.${text}.${sealWith(Buffer.from(Plaintext, 'base64'), plain, of)}`;
    },
    open: async (sealed, of) => {
      const [named, text = '', content = ''] = sealed.split('.');
      const used = keys.find(({ name }) => name === named);
      if (!used) {
        const opened = await before.open(sealed, of);
        return opened && { ...opened, former: true };
      }
      const key = /^[\w-]+$/.test(text) ? await dataKey(used.id, text, of) : undefined;
      const plain = key && openWith(key, content, of);
      return plain === undefined ? undefined : { plain, former: used !== newest };
    },
    former: [...keys.slice(1).map(({ name }) => name), ...before.names],
  };
};
