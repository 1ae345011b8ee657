import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ALGORITHMS, isSignedBy, readAuthenticatorData } from '../../../functions/auth/authenticator-data.ts';
import { readCbor } from '../../../functions/auth/cbor.ts';
import { cbor } from '../../e2e/passkey.ts';

interface Vector {
  id: string;
  coseAlg: number;
  credentialId: string;
  registration: { attestationObject: string; flags: Record<string, 0 | 1> };
  authentication: { authenticatorData: string; clientDataJSON: string; signature: string };
}
const { vectors } = JSON.parse(
  readFileSync(new URL('../../vectors/rfc/webauthn-l3.json', import.meta.url), 'utf8'),
) as { vectors: Vector[] };
const offered = vectors.filter(({ coseAlg }) => (ALGORITHMS as readonly number[]).includes(coseAlg));
const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const dataIn = ({ registration }: Vector): Uint8Array => {
  const { value } = readCbor(hex(registration.attestationObject));
  return (value as Map<string, Uint8Array>).get('authData')!;
};
const signedOf = ({ authentication: { authenticatorData, clientDataJSON } }: Vector): Buffer =>
  Buffer.concat([hex(authenticatorData), createHash('sha256').update(hex(clientDataJSON)).digest()]);

describe('the test vectors of WebAuthn Level 3', () => {
  test('are of every algorithm that is offered', () => {
    expect(new Set(offered.map(({ coseAlg }) => coseAlg))).toEqual(new Set(ALGORITHMS));
  });

  for (const vector of vectors) {
    const isOffered = offered.includes(vector);
    test(`${vector.id}: ${isOffered ? 'made and proven' : 'of an algorithm that was not offered, refused'}`, () => {
      if (!isOffered) {
        expect(() => readAuthenticatorData(dataIn(vector))).toThrow('was not offered');
        return;
      }
      const made = readAuthenticatorData(dataIn(vector));
      const { flags } = vector.registration;
      expect(Buffer.from(made.credential!.id).toString('hex')).toBe(vector.credentialId);
      expect([made.present, made.verified, made.eligible, made.backed_up].map(Number)).toEqual(
        [flags.UP, flags.UV, flags.BE, flags.BS].map((flag) => flag ?? 0),
      );
      expect(Buffer.from(made.rp_id_hash)).toEqual(createHash('sha256').update('example.org').digest());
      const { key } = made.credential!;
      const signature = hex(vector.authentication.signature);
      expect(isSignedBy(key, signedOf(vector), signature)).toBe(true);
      readAuthenticatorData(hex(vector.authentication.authenticatorData));
      // a bit elsewhere, nothing, something behind it, or of the data alone: no signature
      for (const at of [0, signature.length >> 1, signature.length - 1]) {
        const turned = Buffer.from(signature);
        turned[at]! ^= 1;
        expect(isSignedBy(key, signedOf(vector), turned)).toBe(false);
      }
      expect(isSignedBy(key, signedOf(vector), Buffer.alloc(0))).toBe(false);
      expect(isSignedBy(key, signedOf(vector), Buffer.concat([signature, Buffer.alloc(1)]))).toBe(false);
      expect(isSignedBy(key, hex(vector.authentication.authenticatorData), signature)).toBe(false);
    });
  }
});

describe('what authenticators do not write', () => {
  const whole = dataIn(offered[0]!);

  test('cut off anywhere, or with something behind it, it is refused', () => {
    for (let length = 0; length < whole.length; length++) {
      expect(() => readAuthenticatorData(whole.subarray(0, length))).toThrow();
    }
    expect(() => readAuthenticatorData(Buffer.concat([whole, Buffer.alloc(1)]))).toThrow('more than it says');
  });

  test.each([
    ['an indefinite length', '5f4100ff'],
    ['a length of 2^32', '5b0000000100000000'],
    ['a length that is not there', '5affffffff00'],
    ['a list of so many', '9affffffff'],
    ['a key twice', 'a2010201'.concat('03')],
    ['a tag', 'c101'],
    ['a float', 'f93c00'],
    ['nesting without end', '81'.repeat(10_000)],
    ['text that is no UTF-8', '61ff'],
    ['a list as a key', 'a1800'.concat('1')],
  ])('CBOR with %s is refused at once', (_, text) => {
    expect(() => readCbor(hex(text))).toThrow();
  });

  test('a point that is not on its curve is no key', () => {
    const coordinate = Buffer.alloc(32, 7);
    const key = new Map<number, number | Uint8Array>([
      ...([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, coordinate],
        [-3, coordinate],
      ] as const),
    ]);
    const head = whole.subarray(0, 55 + Buffer.from(whole).readUInt16BE(53));
    expect(() => readAuthenticatorData(Buffer.concat([head, cbor(key)]))).toThrow();
  });

  test('whatever comes is read or refused, in bounded time, and never as something else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        for (const read of [readCbor, readAuthenticatorData]) {
          try {
            read(bytes);
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(Error);
          }
        }
      }),
    );
  });

  test('what is written is read again', () => {
    const leaf = fc.oneof(fc.integer({ min: -65_000, max: 65_000 }), fc.string({ maxLength: 40 }), fc.uint8Array());
    const keys = fc.oneof(fc.integer({ min: -100, max: 100 }), fc.string({ maxLength: 5 }));
    fc.assert(
      fc.property(fc.array(fc.tuple(keys, leaf)), (entries) => {
        const map = new Map(entries);
        expect(readCbor(cbor(map)).value).toEqual(map);
      }),
    );
  });
});
