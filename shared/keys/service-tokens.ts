/** Credentials of services: `p21s_<id>_<secret>`, checked against the store and remembered for moments. */

import { adapter } from '../kit/adapter.ts';
import type { Ports } from '../ports/index.ts';
import type { ServiceTokens } from '../ports/tokens.ts';
import { Recent } from './recent.ts';
import { isSecretOf, type ServiceSecret, serviceCredentials, serviceIdIn } from './service-credential-records.ts';

/** How long a withdrawn credential may still be taken where no revocation tells of it. */
export const REMEMBERED_MS = 30_000;
const REMEMBERED = 1000;
/** A record that has less time left than this may be read again for a secret that it does not know: it may be a new one. */
const YOUNG_MS = REMEMBERED_MS - 1_000;

interface Remembered {
  secrets: readonly ServiceSecret[];
  generation: number;
  until: number;
  service: { name: string; permissions: string[] };
}

/**
 * Checks service tokens. Remembers records, never secrets; every check hashes and compares in constant time.
 *
 * @param ports `revocations` tell of a changed record at once: then it is read again
 */
export const createServiceTokens = ({
  store,
  clock,
  revocations,
}: Pick<Ports, 'store' | 'clock'> & Partial<Pick<Ports, 'revocations'>>): ServiceTokens => {
  const remembered = new Recent<string, Remembered>(REMEMBERED);

  const isCurrent = async (id: string, { until, generation }: Remembered): Promise<boolean> => {
    if (clock.now() >= until) return false;
    try {
      return !(await revocations?.find({ sub: id, client_id: id, gen: generation, jti: '', sid: '' }));
    } catch {
      // nobody knows what was revoked: the store does
      return false;
    }
  };

  const find = async (id: string): Promise<Remembered | undefined> => {
    const known = remembered.get(id);
    if (known && (await isCurrent(id, known))) return known;
    const record = await store.get(serviceCredentials, id);
    if (!record) {
      remembered.delete(id);
      return undefined;
    }
    const { name, permissions, secrets, generation } = record.value;
    const service = Object.freeze({ name, permissions: Object.freeze([...permissions]) as string[] });
    const found = { secrets, generation, until: clock.now() + REMEMBERED_MS, service };
    remembered.set(id, found);
    return found;
  };

  return {
    verify: async (token) => {
      const id = serviceIdIn(token);
      if (id === undefined) return undefined;
      const found = await find(id);
      if (!found || isSecretOf(token, found.secrets, clock.now())) return found?.service;
      if (found.until - clock.now() > YOUNG_MS) return undefined;
      remembered.delete(id);
      const anew = await find(id);
      return anew && isSecretOf(token, anew.secrets, clock.now()) ? anew.service : undefined;
    },
  };
};

export const serviceTokens = adapter({
  port: 'serviceTokens',
  needs: ['store', 'clock', 'revocations'],
  reads: [serviceCredentials],
  open: (ports) => ({ port: createServiceTokens(ports) }),
});
