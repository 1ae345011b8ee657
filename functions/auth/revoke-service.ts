import * as z from 'zod';
import { revocations as revocationRecords, toRevocationWrite } from '../../shared/keys/revocation-records.ts';
import { serviceCredentials } from '../../shared/keys/service-credential-records.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import type { Revocation } from '../../shared/ports/revocations.ts';
import { remove } from '../../shared/ports/store.ts';
import { requireAllOf } from '../permissions/all-of.ts';
import { findLacking } from '../permissions/find-lacking.ts';
import { securityAlert } from './events.ts';
import { ClientId, tellOwner } from './services.ts';

/** Ends a service: its secrets and keys are void, and its access tokens dead, from now on. Its id is never used again. */
export const revokeService = operation({
  name: 'auth.revoke-service',
  summary: 'Ends a service and all that it holds',
  http: { method: 'DELETE', path: '/api/v1/services/{client_id}', status: 204 },
  access: 'services:write',
  input: z.strictObject({ client_id: ClientId }),
  output: z.object({}),
  errors: ['not_found', 'conflict'],
  emits: [securityAlert],
  reads: [serviceCredentials],
  writes: [serviceCredentials, revocationRecords],
  needs: ['clock', 'ids', 'revocations'],
  calls: { findLacking },
  run: ({ store, clock, ids, revocations, findLacking }, { client_id }, context) =>
    retryConflict(async () => {
      const read = await store.get(serviceCredentials, client_id);
      if (!read) throw new AppError('not_found', { detail: 'There is no such service' });
      await requireAllOf(context.caller, read.value.permissions, findLacking);
      const ended: Revocation = { kind: 'user', value: client_id, error: 'revoked', created_at: clock.now() };
      await store.transact(
        [remove(serviceCredentials, read), toRevocationWrite(ended, ids.uuid())],
        tellOwner(context, 'revoked', read),
      );
      revocations.learn(ended);
      return {};
    }),
});
