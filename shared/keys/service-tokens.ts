/** Credentials of services: `p21s_<id>_<secret>`, checked against the store and remembered for moments. */

import { hash, timingSafeEqual } from 'node:crypto';
import { adapter } from '../kit/adapter.ts';
import type { Ports } from '../ports/index.ts';
import { insert, type Write } from '../ports/store.ts';
import type { ServiceTokens } from '../ports/tokens.ts';
import { Recent } from './recent.ts';
import { type ServiceCredential, serviceCredentials } from './service-credential-records.ts';

const FORM = /^p21s_([0-9A-Za-z-]{1,64})_([0-9A-Za-z_-]{43,128})$/;
/** How long a withdrawn credential may still be taken. */
export const REMEMBERED_MS = 30_000;
const REMEMBERED = 1000;

/** Whether a text may be a service token at all; who knows it is another question. */
export const isServiceToken = (text: string): boolean => FORM.test(text);

const digest = (secret: string): Buffer => hash('sha256', secret, 'buffer');

/**
 * The write that makes a service credential of a token in the form `p21s_<id>_<secret>`, the secret being at least 43
 * characters of base64url (256 bits).
 *
 * @throws Error when the token does not have this form
 */
export const toServiceCredentialWrite = (
  token: string,
  credential: Omit<ServiceCredential, 'hash'>,
): Write<'service_credentials'> => {
  const [, id, secret] = FORM.exec(token) ?? [];
  if (!id || !secret) throw new Error('a service token has the form p21s_<id>_<43 or more characters of base64url>');
  return insert(serviceCredentials, id, { ...credential, hash: digest(secret).toString('base64url') });
};

/**
 * Makes a new service token and the write that lets it in.
 *
 * @example const { token, write } = createServiceToken({ name: 'gateway', permissions: ['*:*:*'] }, { ids, clock });
 */
export const createServiceToken = (
  { name, permissions }: Pick<ServiceCredential, 'name' | 'permissions'>,
  { ids, clock }: Pick<Ports, 'ids' | 'clock'>,
): { token: string; write: Write<'service_credentials'> } => {
  const token = `p21s_${ids.uuid()}_${ids.random(32)}`;
  return { token, write: toServiceCredentialWrite(token, { name, permissions, created_at: clock.now() }) };
};

/** Checks service tokens. Remembers records, never secrets; every check hashes and compares in constant time. */
export const createServiceTokens = ({ store, clock }: Pick<Ports, 'store' | 'clock'>): ServiceTokens => {
  type Remembered = { hash: Buffer; until: number; service: { name: string; permissions: string[] } };
  const remembered = new Recent<string, Remembered>(REMEMBERED);

  const find = async (id: string): Promise<Remembered | undefined> => {
    const known = remembered.get(id);
    if (known && clock.now() < known.until) return known;
    const record = await store.get(serviceCredentials, id);
    if (!record) {
      remembered.delete(id);
      return undefined;
    }
    const { name, permissions, hash: stored } = record.value;
    const service = Object.freeze({ name, permissions: Object.freeze([...permissions]) as string[] });
    const found = { hash: Buffer.from(stored, 'base64url'), until: clock.now() + REMEMBERED_MS, service };
    remembered.set(id, found);
    return found;
  };

  return {
    verify: async (token) => {
      const [, id, secret] = FORM.exec(token) ?? [];
      if (!id || !secret) return undefined;
      const found = await find(id);
      return found && timingSafeEqual(digest(secret), found.hash) ? found.service : undefined;
    },
  };
};

export const serviceTokens = adapter({
  port: 'serviceTokens',
  needs: ['store', 'clock'],
  reads: [serviceCredentials],
  open: (ports) => ({ port: createServiceTokens(ports) }),
});
