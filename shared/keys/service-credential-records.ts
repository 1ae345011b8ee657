/** Services that may call, and what they show for it: secrets, of which only hashes are kept, and public keys. */
import { hash, timingSafeEqual } from 'node:crypto';
import type { ServiceKey } from '../ports/client-assertions.ts';
import type { Ports } from '../ports/index.ts';
import { collection, insert, type Write } from '../ports/store.ts';

const FORM = /^p21s_([0-9A-Za-z-]{1,64})_([0-9A-Za-z_-]{43,128})$/;

export interface ServiceSecret {
  /** SHA-256 of the secret, base64url. The secret has 256 random bits, so a slow hash would add nothing. */
  hash: string;
  /** Unix ms. */
  created_at: number;
  /** Unix ms; for good when left out. */
  expires_at?: number;
}

export interface ServiceCredential {
  name: string;
  permissions: string[];
  secrets: ServiceSecret[];
  keys: ServiceKey[];
  /** Access tokens of older generations are dead: raised when what they were got with may be known to others. */
  generation: number;
  /** Who made it: a user's id or a service's name; empty where nobody knows. */
  created_by: string;
  /** The user who made it, who is told what becomes of it. */
  owner?: string;
  /** Unix ms. */
  created_at: number;
}

type First = Pick<ServiceCredential, 'name' | 'permissions' | 'created_at'> & { hash: string };

/** By client id. */
export const serviceCredentials = collection<ServiceCredential>()('service_credentials', {
  indexes: { all: { hash: () => 'all', sort: (_, id) => id } },
  migrate: [
    ({ hash, ...rest }: First): ServiceCredential => ({
      ...rest,
      secrets: [{ hash, created_at: rest.created_at }],
      keys: [],
      generation: 0,
      created_by: '',
    }),
  ],
});

/** Whether a text may be a service token at all; who knows it is another question. */
export const isServiceToken = (text: string): boolean => FORM.test(text);

/** Whose token a text says to be. */
export const serviceIdIn = (text: string): string | undefined => FORM.exec(text)?.[1];

const digest = (secret: string): Buffer => hash('sha256', secret, 'buffer');

type Fields = Pick<ServiceCredential, 'name' | 'permissions' | 'created_at'> & Partial<ServiceCredential>;

const secretOf = (token: string, created_at: number): { id: string; secret: ServiceSecret } => {
  const [, id, secret] = FORM.exec(token) ?? [];
  if (!id || !secret) throw new Error('a service token has the form p21s_<id>_<43 or more characters of base64url>');
  return { id, secret: { hash: digest(secret).toString('base64url'), created_at } };
};

/**
 * The write that makes a service credential of a token in the form `p21s_<id>_<secret>`, the secret being at least 43
 * characters of base64url (256 bits).
 *
 * @throws Error when the token does not have this form
 */
export const toServiceCredentialWrite = (token: string, fields: Fields): Write<'service_credentials'> => {
  const { id, secret } = secretOf(token, fields.created_at);
  const credential = { secrets: [secret], keys: [], generation: 0, created_by: '', ...fields };
  return insert(serviceCredentials, id, credential);
};

/** A new token of a service, and what is kept of it. */
export const newServiceSecret = (
  id: string,
  { ids, clock }: Pick<Ports, 'ids' | 'clock'>,
): { token: string; secret: ServiceSecret } => {
  const token = `p21s_${id}_${ids.random(32)}`;
  return { token, secret: secretOf(token, clock.now()).secret };
};

/**
 * Makes a new service token and the write that lets it in.
 *
 * @example const { token, write } = createServiceToken({ name: 'gateway', permissions: ['*:*:*'] }, { ids, clock });
 */
export const createServiceToken = (
  fields: Omit<Fields, 'created_at'>,
  { ids, clock }: Pick<Ports, 'ids' | 'clock'>,
): { token: string; write: Write<'service_credentials'> } => {
  const { token } = newServiceSecret(ids.uuid(), { ids, clock });
  return { token, write: toServiceCredentialWrite(token, { ...fields, created_at: clock.now() }) };
};

/** Whether a token is one that a service may show now, compared in constant time. */
export const isSecretOf = (token: string, secrets: readonly ServiceSecret[], now: number): boolean => {
  const [, , secret] = FORM.exec(token) ?? [];
  if (!secret) return false;
  const shown = digest(secret);
  return secrets.some(
    ({ hash: stored, expires_at = Number.POSITIVE_INFINITY }) =>
      timingSafeEqual(shown, Buffer.from(stored, 'base64url')) && now < expires_at,
  );
};
