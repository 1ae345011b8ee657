/** An authenticator in software (CTAP2), as a browser answers for it: credentials of ECDSA on P-256, discoverable, user verified. */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { confirmPasskey } from '../../functions/auth/confirm-passkey.ts';
import { startPasskey } from '../../functions/auth/start-passkey.ts';
import { startPasskeyLogin } from '../../functions/auth/start-passkey-login.ts';
import { expectOk, type TestUser, type Tokens, userWithSession, type World } from './world.ts';

/** The page that asks. */
export const ORIGIN = 'http://localhost:8080';
type Options = { challenge: string; rp?: { id: string }; rpId?: string };
/** Of whom it is asked for; a test may say it otherwise. */
const rpOf = ({ rp, rpId }: Options): string => rp?.id ?? rpId ?? 'localhost';

type Encodable = number | string | Uint8Array | Map<number | string, Encodable>;

const head = (kind: number, length: number): Buffer => {
  if (length < 24) return Buffer.from([(kind << 5) | length]);
  if (length < 256) return Buffer.from([(kind << 5) | 24, length]);
  return Buffer.from([(kind << 5) | 25, length >> 8, length & 255]);
};

/** CBOR, as far as authenticators write it. */
export const cbor = (value: Encodable): Buffer => {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value]);
  return Buffer.concat([head(5, value.size), ...[...value].flatMap(([key, each]) => [cbor(key), cbor(each)])]);
};

const sha256 = (bytes: Uint8Array | string): Buffer => createHash('sha256').update(bytes).digest();
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

/** What a test makes otherwise than a browser would. */
export interface Odd {
  origin?: string;
  type?: string;
  challenge?: string;
  rp_id?: string;
  /** Flags of the authenticator data: 1 present, 4 verified, 8 and 16 backed up. */
  flags?: number;
  counter?: number;
  client?: object;
  userHandle?: string | null;
}

export interface SoftPasskey {
  id: string;
  registration(options: Options, odd?: Odd): any;
  assertion(options: Options, odd?: Odd): any;
}

/** A new credential for a user. `counter` 0: it does not count, as those that are synchronized. */
export const softPasskey = (userHandle: string, { counts = false }: { counts?: boolean } = {}): SoftPasskey => {
  const { privateKey, publicKey }: { privateKey: KeyObject; publicKey: KeyObject } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
  });
  const credential = randomBytes(32);
  const id = text(credential);
  const jwk = publicKey.export({ format: 'jwk' });
  const point = (part: string | undefined): Buffer => Buffer.from(part!, 'base64url');
  const cose = new Map<number, Encodable>([
    ...([
      [1, 2],
      [3, -7],
      [-1, 1],
    ] as const),
    ...([
      [-2, point(jwk.x)],
      [-3, point(jwk.y)],
    ] as const),
  ]);
  let counter = 0;
  const client = (type: string, challenge: string, { origin = ORIGIN, ...odd }: Odd): Buffer =>
    Buffer.from(
      JSON.stringify({
        ...{ type: odd.type ?? type, challenge: odd.challenge ?? challenge, origin, crossOrigin: false },
        ...odd.client,
      }),
    );
  const data = (flags: number, rp_id: string, odd: Odd): Buffer => {
    const rest = Buffer.alloc(5);
    rest.writeUInt8(odd.flags ?? flags);
    rest.writeUInt32BE(odd.counter ?? (counts ? ++counter : 0), 1);
    return Buffer.concat([sha256(odd.rp_id ?? rp_id), rest]);
  };
  return {
    id,
    registration: (options, odd = {}) => {
      const length = Buffer.from([0, credential.length]);
      const attested = Buffer.concat([Buffer.alloc(16), length, credential, cbor(cose)]);
      const authData = Buffer.concat([
        data(1 | 4 | 8 | 64, rpOf(options), { ...odd, flags: odd.flags && odd.flags | 64 }),
        attested,
      ]);
      const object = new Map<string, Encodable>([
        ['fmt', 'none'],
        ['attStmt', new Map()],
        ['authData', authData],
      ]);
      return {
        ...{ id, rawId: id, type: 'public-key', clientExtensionResults: {}, authenticatorAttachment: 'platform' },
        response: {
          clientDataJSON: text(client('webauthn.create', options.challenge, odd)),
          attestationObject: text(cbor(object)),
          transports: ['internal'],
        },
      };
    },
    assertion: (options, odd = {}) => {
      const said = client('webauthn.get', options.challenge, odd);
      const authenticatorData = data(1 | 4 | 8, rpOf(options), odd);
      const signature = sign('sha256', Buffer.concat([authenticatorData, sha256(said)]), privateKey);
      return {
        ...{ id, rawId: id, type: 'public-key', clientExtensionResults: {} },
        response: {
          clientDataJSON: text(said),
          authenticatorData: text(authenticatorData),
          signature: text(signature),
          userHandle: odd.userHandle === undefined ? userHandle : odd.userHandle,
        },
      };
    },
  };
};

export interface KeyHolder extends TestUser, Tokens {
  passkey: SoftPasskey;
}

/** Sets a passkey up for somebody who has a session. */
export const addPasskey = async (world: World, token: string, how: { counts?: boolean } = {}): Promise<SoftPasskey> => {
  const options = await expectOk(world.call(startPasskey, {}, { token }));
  const passkey = softPasskey(options.user.id, how);
  await expectOk(world.call(confirmPasskey, passkey.registration(options), { token }));
  return passkey;
};

/** A user with a session who has set up a passkey. */
export const userWithPasskey = async (world: World, how: { counts?: boolean } = {}): Promise<KeyHolder> => {
  const user = await userWithSession(world);
  return { ...user, passkey: await addPasskey(world, user.access_token, how) };
};

/** What its authenticator answers to new options of a login. */
export const assertionOf = async (world: World, passkey: SoftPasskey, odd: Odd = {}): Promise<any> =>
  passkey.assertion(await expectOk(world.call(startPasskeyLogin, {})), odd);
