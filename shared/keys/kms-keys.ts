/** Signing keys in AWS KMS: private keys never leave it; public keys are fetched once, so verifying calls nobody. */
import { createHash, createPublicKey } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AwsClient, type AwsError, awsClient } from '../aws/client.ts';
import type { Config } from '../config/config.ts';
import { StartError } from '../config/start-error.ts';
import { adapter } from '../kit/adapter.ts';
import { AppError } from '../kit/errors.ts';
import type { Keys, VerificationKey } from '../ports/tokens.ts';
import { derToJose } from './der-signature.ts';
import { type SigningAlg, thumbprint, toPublicJwk, toVerificationKey } from './jwk.ts';

interface Scheme {
  kms: 'RSASSA_PKCS1_V1_5_SHA_256' | 'ECDSA_SHA_256' | 'ED25519_SHA_512';
  type: 'DIGEST' | 'RAW';
  message: (input: Uint8Array) => Uint8Array;
  signature: (made: Uint8Array) => Uint8Array;
}
const digest = (input: Uint8Array) => createHash('sha256').update(input).digest();
const same = (bytes: Uint8Array) => bytes;
const SCHEMES: Record<SigningAlg, Scheme> = {
  RS256: { kms: 'RSASSA_PKCS1_V1_5_SHA_256', type: 'DIGEST', message: digest, signature: same },
  ES256: { kms: 'ECDSA_SHA_256', type: 'DIGEST', message: digest, signature: derToJose },
  EdDSA: { kms: 'ED25519_SHA_512', type: 'RAW', message: same, signature: same },
};

/** Of a call to KMS. */
const TRIES = 3;
const PAUSE_MS = 50;

class KmsKeys implements Keys {
  readonly #ids: readonly string[];
  readonly #client: AwsClient;
  /** In the order of the ids, once fetched. */
  #fetched: VerificationKey[] | undefined;
  #fetching: Promise<VerificationKey[]> | undefined;

  constructor(ids: readonly string[], client: AwsClient) {
    this.#ids = ids;
    this.#client = client;
  }

  verification(kid: string): Promise<VerificationKey | undefined> | VerificationKey | undefined {
    const find = (keys: VerificationKey[]) => keys.find((key) => key.kid === kid);
    return this.#fetched ? find(this.#fetched) : this.#publicKeys().then(find);
  }

  async sign(input: (header: { kid: string; alg: string }) => Uint8Array) {
    const { kid, alg } = (await this.#publicKeys())[0]!;
    const { kms, type, message, signature } = SCHEMES[alg];
    const { Signature } = await this.#ask('Sign', {
      KeyId: this.#ids[0],
      Message: Buffer.from(message(input({ kid, alg }))).toString('base64'),
      MessageType: type,
      SigningAlgorithm: kms,
    });
    return { kid, alg, signature: signature(Buffer.from(Signature, 'base64')) };
  }

  async jwks() {
    return { keys: (await this.#publicKeys()).map(toPublicJwk) };
  }

  /** All public keys, fetched once; a failure is not remembered. */
  #publicKeys(): Promise<VerificationKey[]> {
    if (this.#fetched) return Promise.resolve(this.#fetched);
    this.#fetching ??= Promise.all(this.#ids.map((id) => this.#publicKey(id)))
      .then((keys) => {
        this.#fetched = keys;
        return keys;
      })
      .finally(() => {
        this.#fetching = undefined;
      });
    return this.#fetching;
  }

  /** Both operations may be repeated. @throws AppError `unavailable` */
  async #ask(operation: 'Sign' | 'GetPublicKey', input: object): Promise<any> {
    for (let tried = 1; ; tried++) {
      try {
        return await this.#client.call(operation, input);
      } catch (cause) {
        const { $metadata, name } = cause as AwsError;
        const passing = !$metadata || $metadata.httpStatusCode >= 500 || name === 'ThrottlingException';
        if (passing && tried < TRIES) await sleep(PAUSE_MS * tried);
        else throw new AppError('unavailable', { detail: 'The signing keys are away', retry_after: 1, cause });
      }
    }
  }

  async #publicKey(id: string): Promise<VerificationKey> {
    const found = await this.#ask('GetPublicKey', { KeyId: id });
    const alg = (Object.keys(SCHEMES) as SigningAlg[]).find((each) =>
      found.SigningAlgorithms?.includes(SCHEMES[each].kms),
    );
    const key = createPublicKey({ key: Buffer.from(found.PublicKey, 'base64'), format: 'der', type: 'spki' });
    const usable = alg && toVerificationKey(await thumbprint(key), alg, key);
    if (!usable) throw new StartError(`KEYS_URL: KMS key ${id} can't sign RS256, ES256 or EdDSA: choose another`);
    return usable;
  }
}

/**
 * Keys of KMS. The first id signs, all verify: to rotate, append the new key, wait for JWKS caches (one hour), move it
 * to the front, and take the old one out when its last token is over.
 */
export const createKmsKeys = (ids: readonly string[], client: AwsClient): Keys => new KmsKeys(ids, client);

/** The keys of `KEYS_URL=kms:…`, the signing one first. */
export const kmsIds = (named: string): string[] =>
  named
    .split(',')
    .map((id) => id.trim())
    .filter(Boolean);

const open = ({ keys }: Config) => {
  const ids = keys.source === 'kms' ? kmsIds(keys.key_id) : [];
  if (!ids.length) throw new StartError('KEYS_URL names no KMS key: use kms:<key-id>[,<key-id>…]');
  const client = awsClient('kms');
  return { port: createKmsKeys(ids, client), close: async () => client.close() };
};
// biome-ignore-start lint/suspicious/noTemplateCurlyInString: osls fills it in
/** The keys of this deployment, the signing one first: infra/aws/environment.yml says which. */
const KEYS = { 'Fn::Split': [',', '${self:custom.environment.SIGNING_KEY_ARNS}'] };
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: osls fills it in
const PUBLIC_HALVES = { actions: ['kms:GetPublicKey'], resource: KEYS };
const SIGNING = { actions: ['kms:Sign'], resource: { 'Fn::Select': [0, KEYS] } };

/** The public halves. */
export const kmsKeys = adapter({
  port: 'keys',
  env: ['KEYS_URL'],
  iam: [PUBLIC_HALVES],
  open: (_, config) => open(config),
});

export const kmsSigner = adapter({
  port: 'signer',
  env: ['KEYS_URL'],
  iam: [SIGNING, PUBLIC_HALVES],
  open: (_, config) => open(config),
});
