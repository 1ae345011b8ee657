/** A small double of AWS KMS for asymmetric signing: the JSON 1.1 protocol, Sign, GetPublicKey and CreateKey, real keys. */
import {
  constants,
  createCipheriv,
  createDecipheriv,
  generateKeyPairSync,
  type KeyObject,
  privateEncrypt,
  randomBytes,
  sign,
} from 'node:crypto';
import { fault, startDouble } from './double.ts';
import { signDigestP256 } from './p256.ts';

/** DigestInfo of SHA-256 (RFC 8017 §9.2), which precedes the digest under RSASSA-PKCS1-v1_5. */
const DIGEST_INFO = Buffer.from('3031300d060960864801650304020105000420', 'hex');

const pkcs1 = (key: KeyObject, digest: Buffer) =>
  privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, Buffer.concat([DIGEST_INFO, digest]));

const SPECS = {
  RSA_2048: {
    algorithms: ['RSASSA_PKCS1_V1_5_SHA_256', 'RSASSA_PSS_SHA_256'],
    type: 'DIGEST',
    pair: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
    sign: pkcs1,
  },
  ECC_NIST_P256: {
    algorithms: ['ECDSA_SHA_256'],
    type: 'DIGEST',
    pair: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    sign: signDigestP256,
  },
  ECC_NIST_EDWARDS25519: {
    algorithms: ['ED25519_SHA_512', 'ED25519_PH_SHA_512'],
    type: 'RAW',
    pair: () => generateKeyPairSync('ed25519'),
    sign: (key: KeyObject, message: Buffer) => sign(null, message, key),
  },
  ECC_NIST_P384: {
    algorithms: ['ECDSA_SHA_384'],
    type: 'DIGEST',
    pair: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    sign: (): Buffer => Buffer.alloc(0),
  },
} as const;
export type KmsSpec = keyof typeof SPECS;

const arnOf = (id: string): string => `arn:aws:kms:eu-central-1:111122223333:key/${id}`;

/** Starts the double on a free port. `calls` counts requests by operation; `down` makes all of them fail. */
export const startKms = async () => {
  const keys = new Map<string, { spec: KmsSpec; pair: { privateKey: KeyObject; publicKey: KeyObject } }>();
  const state = { down: false, calls: { Sign: 0, GetPublicKey: 0 } as Record<string, number> };

  /** Symmetric keys, and what a sealed data key holds: as AWS's, bound to its encryption context. */
  const symmetric = new Map<string, Buffer>();
  const context = ({ EncryptionContext = {} }: any) =>
    Buffer.from(JSON.stringify(Object.entries(EncryptionContext).sort()));
  const envelope = (operation: string, request: any): object | undefined => {
    if (operation === 'GenerateDataKey') {
      const key = symmetric.get(request.KeyId);
      if (!key) throw fault('NotFoundException', `Key '${request.KeyId}' does not exist`);
      if (request.KeySpec !== 'AES_256') throw fault('ValidationException', 'KeySpec');
      const [plain, nonce] = [randomBytes(32), randomBytes(12)];
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(context(request));
      const blob = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
      return { KeyId: request.KeyId, Plaintext: plain.toString('base64'), CiphertextBlob: blob.toString('base64') };
    }
    if (operation !== 'Decrypt') return undefined;
    const blob = Buffer.from(request.CiphertextBlob, 'base64');
    const key = symmetric.get(request.KeyId);
    if (!key) throw fault('NotFoundException', `Key '${request.KeyId}' does not exist`);
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, blob.subarray(0, 12)).setAAD(context(request));
      decipher.setAuthTag(blob.subarray(-16));
      const plain = Buffer.concat([decipher.update(blob.subarray(12, -16)), decipher.final()]);
      return { KeyId: request.KeyId, Plaintext: plain.toString('base64') };
    } catch {
      throw fault('InvalidCiphertextException', 'not of this key and context');
    }
  };

  const answer = (operation: string, request: any): object => {
    state.calls[operation] = (state.calls[operation] ?? 0) + 1;
    if (state.down) throw fault('KMSInternalException', 'down');
    const sealed = envelope(operation, request);
    if (sealed) return sealed;
    if (operation === 'CreateKey') {
      const { KeySpec, KeyUsage } = request;
      if (!(KeySpec in SPECS) || KeyUsage !== 'SIGN_VERIFY') throw fault('ValidationException', 'KeySpec, KeyUsage');
      const id = `made-${keys.size + 1}`;
      keys.set(id, { spec: KeySpec, pair: SPECS[KeySpec as KmsSpec].pair() });
      return { KeyMetadata: { KeyId: id, Arn: arnOf(id), KeySpec, KeyUsage, KeyState: 'Enabled' } };
    }
    // by its id or its ARN
    const named = String(request.KeyId).split(':key/').at(-1)!;
    const found = keys.get(named);
    if (!found) throw fault('NotFoundException', `Key '${request.KeyId}' does not exist`);
    const { algorithms, type, sign } = SPECS[found.spec];
    const common = { KeyId: arnOf(named) };
    if (operation === 'GetPublicKey') {
      const der = found.pair.publicKey.export({ format: 'der', type: 'spki' });
      return {
        ...common,
        PublicKey: der.toString('base64'),
        KeySpec: found.spec,
        KeyUsage: 'SIGN_VERIFY',
        SigningAlgorithms: algorithms,
      };
    }
    if (operation !== 'Sign') throw fault('UnknownOperationException', operation);
    const message = Buffer.from(request.Message, 'base64');
    if (request.SigningAlgorithm !== algorithms[0]) throw fault('InvalidKeyUsageException', request.SigningAlgorithm);
    if ((request.MessageType ?? 'RAW') !== type) throw fault('ValidationException', 'MessageType');
    if (type === 'DIGEST' && message.length !== 32) throw fault('ValidationException', 'Digest is invalid length');
    const signature = sign(found.pair.privateKey, message);
    return { ...common, Signature: signature.toString('base64'), SigningAlgorithm: request.SigningAlgorithm };
  };

  const double = await startDouble(async (body, request, response) => {
    const operation = String(request.headers['x-amz-target']).replace('TrentService.', '');
    response.setHeader('content-type', 'application/x-amz-json-1.1');
    try {
      response.end(JSON.stringify(answer(operation, JSON.parse(body.toString()))));
    } catch (thrown) {
      const { type, message } = thrown as Error & { type: string };
      response.statusCode = type === 'KMSInternalException' ? 500 : 400;
      response.end(JSON.stringify({ __type: type, message }));
    }
  });
  return {
    state,
    ...double,
    addSymmetric: (id: string) => void symmetric.set(id, randomBytes(32)),
    add: (id: string, spec: KmsSpec) => void keys.set(id, { spec, pair: SPECS[spec].pair() }),
  };
};
