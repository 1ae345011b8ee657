/**
 * What every ceremony of passkeys begins and ends with (WebAuthn Level 3, sections 7.1 and 7.2).
 *
 * A challenge is `<random>.<until>.<tag>` in bytes: the tag (HMAC) says for which ceremony and whom it was given, so that
 * options cost no write, and each is taken once, by one atomic increment, whatever comes of it.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import * as z from 'zod';
import { counterKey } from '../../shared/kit/counter-key.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { isTagOf, tagOf } from '../../shared/kit/hmac.ts';
import type { OperationStore } from '../../shared/kit/operation.ts';
import type { Ports } from '../../shared/ports/index.ts';
import { type AuthenticatorData, readAuthenticatorData } from './authenticator-data.ts';
import { spentCodes } from './records.ts';

/** How long a browser may take. */
export const CEREMONY_MS = 300_000;
const [RANDOM, UNTIL, TAG] = [16, 6, 16];

export type Ceremony = 'webauthn.create' | 'webauthn.get';

export const CEREMONY_PORTS = ['clock', 'secrets', 'settings'] as const;
type Given = Pick<Ports, (typeof CEREMONY_PORTS)[number]> & {
  store: OperationStore<never, typeof spentCodes.name, never>;
};

/** Bytes as browsers write them in JSON (WebAuthn, section 5.1.8). */
export const Base64Url = (longest: number) =>
  z
    .string()
    .min(1)
    .max(longest)
    .regex(/^[A-Za-z0-9_-]+$/, 'Use base64url, as `toJSON()` of the credential gives it');

export const toBytes = (text: string): Buffer => Buffer.from(text, 'base64url');

/** The user of a passkey as authenticators know it, which says nothing about who it is. */
export const handleOf = (user_id: string): string =>
  createHash('sha256').update(`perfect21 passkey ${user_id}`).digest('base64url');

const textOf = (ceremony: Ceremony, subject: string, said: Buffer): string =>
  JSON.stringify([ceremony, subject, said.toString('base64url')]);

/** A challenge, good once and for five minutes. `subject` is who asked; `now` is unix ms. */
export const newChallenge = (
  { ids, secrets }: Pick<Ports, 'ids' | 'secrets'>,
  ceremony: Ceremony,
  subject: string,
  now: number,
): string => {
  const said = Buffer.alloc(RANDOM + UNTIL);
  toBytes(ids.random(RANDOM)).copy(said);
  said.writeUIntBE(now + CEREMONY_MS, RANDOM, UNTIL);
  const tag = tagOf(secrets.key('passkey'), textOf(ceremony, subject, said));
  return Buffer.concat([said, tag]).toString('base64url');
};

const isOurs = ({ clock, secrets }: Given, ceremony: Ceremony, subject: string, challenge: string): boolean => {
  const bytes = toBytes(challenge);
  // one challenge has one spelling: another one would be another count
  if (bytes.length !== RANDOM + UNTIL + TAG || bytes.toString('base64url') !== challenge) return false;
  const said = bytes.subarray(0, RANDOM + UNTIL);
  const tag = bytes.subarray(RANDOM + UNTIL);
  const genuine = isTagOf(secrets.keys('passkey'), textOf(ceremony, subject, said), tag);
  return genuine && clock.now() < said.readUIntBE(RANDOM, UNTIL);
};

const ClientData = z.object({
  type: z.string(),
  challenge: z.string(),
  origin: z.string(),
  crossOrigin: z.boolean().optional(),
  topOrigin: z.unknown().optional(),
});

/** What the browser says of the ceremony; undefined for what it can't have said. */
const readClientData = (bytes: Buffer): z.output<typeof ClientData> | undefined => {
  try {
    return ClientData.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)));
  } catch {
    return undefined;
  }
};

export interface Taken {
  data: AuthenticatorData;
  /** What the authenticator signed. */
  signed: Buffer;
  /** Nothing came of it: the challenge is good again. */
  giveBack(): Promise<void>;
}

/**
 * Takes what a browser answered to a challenge of ours: once, from a page of ours, of an authenticator that knows its user.
 *
 * @throws AppError `invalid_token` where the challenge is none, used or over; `invalid_request` for the rest
 */
export const takeCeremony = async (
  given: Given,
  ceremony: Ceremony,
  subject: string,
  { clientDataJSON, authenticatorData }: { clientDataJSON: string; authenticatorData: Uint8Array },
): Promise<Taken> => {
  const { store, clock, secrets, settings } = given;
  const said = toBytes(clientDataJSON);
  const client = readClientData(said);
  if (client?.type !== ceremony || !isOurs(given, ceremony, subject, client.challenge)) {
    throw new AppError('invalid_token', { detail: 'The challenge is unknown, used or over: ask for new options' });
  }
  const count = (by: 1 | -1): Promise<number> => {
    const expires_at = clock.now() + CEREMONY_MS;
    return store.increment(spentCodes, counterKey(secrets, 'passkey', client.challenge), { by, expires_at });
  };
  if ((await count(1)) > 1) {
    throw new AppError('invalid_token', { detail: 'The challenge is unknown, used or over: ask for new options' });
  }
  const refuse = (message: string): never => {
    throw new AppError('invalid_request', { errors: [{ path: 'response', message }] });
  };
  const { origins, rp_id } = settings.passkeys;
  if (!origins.includes(client.origin)) refuse('It comes from a page that is none of ours');
  if (client.crossOrigin || client.topOrigin !== undefined) refuse('It comes from a page within a page');
  const data = dataOf(authenticatorData) ?? refuse('It is no answer of an authenticator');
  const expected = createHash('sha256').update(rp_id).digest();
  if (!timingSafeEqual(expected, data.rp_id_hash)) refuse('It is for another site');
  if (!data.present || !data.verified) refuse('The authenticator did not ask who it is');
  const signed = Buffer.concat([authenticatorData, createHash('sha256').update(said).digest()]);
  return { data, signed, giveBack: async () => void (await count(-1)) };
};

const dataOf = (bytes: Uint8Array): AuthenticatorData | undefined => {
  try {
    return readAuthenticatorData(bytes);
  } catch {
    return undefined;
  }
};
