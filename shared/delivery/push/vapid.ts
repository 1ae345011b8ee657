/** Who we are to push services: a key of P-256 derived from the master secret, and tokens signed with it (RFC 8292). */
import { createECDH, createPrivateKey, hkdfSync, type KeyObject } from 'node:crypto';
import { signBytes, signingInput } from '../../keys/jws.ts';

/** Seconds that a token holds; RFC 8292 §2 allows 24 hours. */
const TOKEN_TTL = 12 * 3600;
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** A private key out of 32 secret bytes, the same each time: FIPS 186-5 A.2.1, with 128 extra bits. */
const scalarOf = (secret: Uint8Array): Buffer => {
  const wide = BigInt(`0x${Buffer.from(hkdfSync('sha256', secret, '', 'P-256 private key', 48)).toString('hex')}`);
  return Buffer.from(((wide % (ORDER - 1n)) + 1n).toString(16).padStart(64, '0'), 'hex');
};

export interface Vapid {
  /** Uncompressed, base64url: `applicationServerKey` of a browser's subscription. */
  public_key: string;
  /** The `Authorization` for an endpoint at this time (unix ms). */
  authorization(endpoint: string, now: number): Promise<string>;
}

/** @example vapidOf(secrets.key('web-push'), 'mailto:ops@example.org').authorization(endpoint, clock.now()) */
export const vapidOf = (secret: Uint8Array, subject: string): Vapid => {
  const d = scalarOf(secret);
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(d);
  const point = ecdh.getPublicKey();
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((each) => each.toString('base64url'));
  const jwk = { kty: 'EC', crv: 'P-256', x, y, d: d.toString('base64url') };
  const key: KeyObject = createPrivateKey({ key: jwk, format: 'jwk' });
  const public_key = point.toString('base64url');
  return {
    public_key,
    authorization: async (endpoint, now) => {
      const payload = { aud: new URL(endpoint).origin, exp: Math.floor(now / 1000) + TOKEN_TTL, sub: subject };
      const input = signingInput({ typ: 'JWT', alg: 'ES256' }, payload);
      const signature = await signBytes('ES256', key, Buffer.from(input));
      return `vapid t=${input}.${signature.toString('base64url')}, k=${public_key}`;
    },
  };
};
