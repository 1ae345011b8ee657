import { generateKeyPairSync, sign, verify } from 'node:crypto';
import fc from 'fast-check';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { derToJose } from '../../shared/keys/der-signature.ts';
import { kmsKeys, kmsSigner } from '../../shared/keys/kms-keys.ts';
import { createTokenSigner } from '../../shared/keys/token-signer.ts';
import { createVerifier } from '../../shared/keys/verifier.ts';
import type { Keys } from '../../shared/ports/tokens.ts';
import { type KmsSpec, startKms } from '../engines/kms.ts';
import { awsEnvironment, stubEnvironment } from '../support/aws.ts';
import { configOf, ISSUER, settings, TestClock } from './harness.ts';

let kms: Awaited<ReturnType<typeof startKms>>;
beforeEach(async () => {
  kms = await startKms();
  stubEnvironment(awsEnvironment({ KMS: kms.endpoint }));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await kms.close();
});

const clock = new TestClock();
const ids = { uuid: () => 'jti-1', random: () => 'r' };
const subject = { user_id: 'u', session_id: 's', generation: 1, permissions: [], roles: [] };
const open = async (id: string): Promise<Keys> => {
  const config = configOf({ KEYS_URL: `kms:${id}` });
  const [keys, signer] = [await kmsKeys.open({}, config), await kmsSigner.open({}, config)];
  onTestFinished(async () => {
    await keys.close?.();
    await signer.close?.();
  });
  return {
    verification: (kid) => keys.port.verification(kid),
    jwks: () => keys.port.jwks(),
    sign: (input) => signer.port.sign(input),
  };
};
const tokenBy = async (keys: Keys) =>
  (await createTokenSigner({ signer: keys, clock, ids, settings }).sign(subject)).access_token;
const verifierBy = (keys: Keys) =>
  createVerifier(
    { keys, clock, revocations: { find: () => undefined, learn: () => {} } },
    { issuer: ISSUER, audience: 'perfect21' },
  );

describe('signing keys in KMS', () => {
  test.each<[KmsSpec, string]>([
    ['RSA_2048', 'RS256'],
    ['ECC_NIST_P256', 'ES256'],
    ['ECC_NIST_EDWARDS25519', 'EdDSA'],
  ])('a key of %s signs %s tokens that verify here and by any JWT library', async (spec, alg) => {
    kms.add('one', spec);
    const keys = await open('one');
    const token = await tokenBy(keys);
    expect(await verifierBy(keys).verify(token)).toMatchObject({ valid: true, claims: { jti: 'jti-1' } });
    const { protectedHeader } = await jwtVerify(token, createLocalJWKSet((await keys.jwks()) as any), {
      issuer: ISSUER,
      currentDate: new Date(clock.now()),
    });
    expect(protectedHeader).toMatchObject({ alg, typ: 'at+jwt' });
  });

  test('verifying calls nobody: each half fetches the public key once', async () => {
    kms.add('one', 'ECC_NIST_P256');
    const keys = await open('one');
    const [first, second] = [await tokenBy(keys), await tokenBy(keys)];
    const verifier = verifierBy(keys);
    for (const token of [first, second, first]) expect(await verifier.verify(token)).toMatchObject({ valid: true });
    expect(kms.state.calls).toEqual({ Sign: 2, GetPublicKey: 2 });
    kms.state.down = true;
    expect(await verifier.verify(first)).toMatchObject({ valid: true });
  });

  test('of several keys the first signs and all verify', async () => {
    kms.add('old', 'RSA_2048');
    kms.add('new', 'ECC_NIST_P256');
    const before = await tokenBy(await open('old'));
    const keys = await open('new, old');
    expect((await keys.jwks()).keys.map(({ alg }) => alg)).toEqual(['ES256', 'RS256']);
    expect(await verifierBy(keys).verify(before)).toMatchObject({ valid: true });
    expect((await keys.sign(() => Buffer.from('x'))).alg).toBe('ES256');
    expect(await verifierBy(await open('new')).verify(before)).toEqual({ valid: false, error: 'unknown_key' });
  });

  test('when KMS is away the answer is unavailable, and the next call after its return works', async () => {
    kms.add('one', 'ECC_NIST_P256');
    const keys = await open('one');
    kms.state.down = true;
    await expect(keys.jwks()).rejects.toMatchObject({ code: 'unavailable' });
    kms.state.down = false;
    expect((await keys.jwks()).keys).toHaveLength(1);
    kms.state.down = true;
    await expect(keys.sign(() => Buffer.from('x'))).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('a key that signs nothing of ours is named in one line', async () => {
    kms.add('p384', 'ECC_NIST_P384');
    const keys = await open('p384');
    await expect(keys.jwks()).rejects.toThrow("KMS key p384 can't sign RS256, ES256 or EdDSA");
  });

  test('KEYS_URL without a key stops the start', async () => {
    await expect(open(',')).rejects.toThrow('KEYS_URL names no KMS key');
  });
});

describe('DER signatures', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  test('every signature of OpenSSL turns into one that verifies in JOSE form', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (data) => {
        const jose = derToJose(sign('sha256', data, privateKey));
        expect(jose).toHaveLength(64);
        expect(verify('sha256', data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, jose)).toBe(true);
      }),
    );
  });

  test('short integers are padded on the left', () => {
    const jose = derToJose(Buffer.from([0x30, 6, 2, 1, 5, 2, 1, 7]));
    expect([jose[31], jose[63], jose.reduce((sum, byte) => sum + byte)]).toEqual([5, 7, 12]);
  });

  test('anything else is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        expect(() => derToJose(bytes)).toThrow();
      }),
    );
  });
});
