import * as z from 'zod';
import { revocations as revocationRecords, toRevocationWrite } from '../../shared/keys/revocation-records.ts';
import {
  newServiceSecret,
  type ServiceCredential,
  serviceCredentials,
} from '../../shared/keys/service-credential-records.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import type { Revocation } from '../../shared/ports/revocations.ts';
import { update } from '../../shared/ports/store.ts';
import { requireAllOf } from '../permissions/all-of.ts';
import { findLacking } from '../permissions/find-lacking.ts';
import { securityAlert } from './events.ts';
import { ClientId, PublicKeys, Service, tellOwner, toService, toServiceKeys } from './services.ts';

const DAY = 86_400;
/** Secrets and keys that are good at once, the new ones included. */
const MOST = 5;

/** What goes on beside its successor until then; what ends earlier anyway ends then. */
const ending = <T extends { expires_at?: number }>(all: readonly T[], until: number, now: number): T[] =>
  all
    .map((each) => ({ ...each, expires_at: Math.min(each.expires_at ?? until, until) }))
    .filter(({ expires_at }) => expires_at > now);

/**
 * Gives a service a new secret, or other keys: the old ones are good beside them for `overlap` seconds, a day when left
 * out. With `overlap` 0 they are void at once, and so are the access tokens that were got with them.
 *
 * Only who holds all that the service may: whoever has its secret has its permissions.
 */
export const rotateService = operation({
  name: 'auth.rotate-service',
  summary: 'Gives a service a new secret or other keys',
  http: { method: 'POST', path: '/api/v1/services/{client_id}/rotate' },
  access: 'services:write',
  input: z.strictObject({
    client_id: ClientId,
    overlap: z
      .int()
      .min(0)
      .max(30 * DAY)
      .default(DAY)
      .meta({ description: 'Seconds' }),
    keys: PublicKeys.optional().meta({ description: 'In place of a secret' }),
  }),
  output: Service.extend({ client_secret: z.string().optional().meta({ description: 'Shown once' }) }),
  errors: ['not_found', 'conflict'],
  emits: [securityAlert],
  reads: [serviceCredentials],
  writes: [serviceCredentials, revocationRecords],
  needs: ['clock', 'ids', 'clientAssertions', 'revocations'],
  calls: { findLacking },
  audit: ['overlap'],
  run: ({ store, clock, ids, clientAssertions, revocations, findLacking }, { client_id, overlap, keys }, context) =>
    retryConflict(async () => {
      const read = await store.get(serviceCredentials, client_id);
      if (!read) throw new AppError('not_found', { detail: 'There is no such service' });
      await requireAllOf(context.caller, read.value.permissions, findLacking);
      const now = clock.now();
      const { token, secret } = newServiceSecret(client_id, { ids, clock });
      const until = now + overlap * 1_000;
      const value: ServiceCredential = {
        ...read.value,
        secrets: [...(keys ? [] : [secret]), ...ending(read.value.secrets, until, now)],
        keys: [...(keys ? toServiceKeys(clientAssertions, keys) : []), ...ending(read.value.keys, until, now)],
        generation: read.value.generation + (overlap === 0 ? 1 : 0),
      };
      if (value.secrets.length > MOST || value.keys.length > 2 * MOST) {
        const message = 'Too many are good still: rotate with an overlap of 0, or wait';
        throw new AppError('invalid_request', { errors: [{ path: 'overlap', message }] });
      }
      const { generation } = value;
      const dead: Revocation = { kind: 'user', value: client_id, generation, error: 'revoked', created_at: now };
      const ends = overlap === 0 ? [toRevocationWrite(dead, ids.uuid())] : [];
      const told = tellOwner(context, 'rotated', { id: client_id, value });
      await store.transact([update(serviceCredentials, read, value), ...ends], told);
      if (overlap === 0) revocations.learn(dead);
      return { ...toService({ id: client_id, value }), ...(!keys && { client_secret: token }) };
    }),
});
