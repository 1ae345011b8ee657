import * as z from 'zod';
import {
  newServiceSecret,
  type ServiceCredential,
  serviceCredentials,
} from '../../shared/keys/service-credential-records.ts';
import { operation } from '../../shared/kit/operation.ts';
import { insert } from '../../shared/ports/store.ts';
import { actorOf } from '../permissions/acting.ts';
import { requireAllOf } from '../permissions/all-of.ts';
import { findLacking } from '../permissions/find-lacking.ts';
import { PermissionText } from '../permissions/model.ts';
import { securityAlert } from './events.ts';
import { PublicKeys, Service, ServiceName, tellOwner, toService, toServiceKeys } from './services.ts';

/**
 * Makes a service that may call, with no more than its maker holds.
 *
 * Its secret is shown here once and kept as a hash: it is the `client_secret` of OAuth, and taken as a bearer token, too.
 * A service that gives public keys signs assertions instead (`private_key_jwt`) and gets no secret.
 */
export const createService = operation({
  name: 'auth.create-service',
  summary: 'Makes a service that may call',
  http: { method: 'POST', path: '/api/v1/services', status: 201 },
  access: 'services:write',
  input: z.strictObject({
    name: ServiceName,
    permissions: z.array(PermissionText).max(100).default([]),
    keys: PublicKeys.optional(),
  }),
  output: Service.extend({ client_secret: z.string().optional().meta({ description: 'Shown once' }) }),
  emits: [securityAlert],
  writes: [serviceCredentials],
  needs: ['clock', 'ids', 'clientAssertions'],
  calls: { findLacking },
  audit: ['name'],
  run: async ({ store, clock, ids, clientAssertions, findLacking }, { name, permissions, keys }, context) => {
    const { caller } = context;
    await requireAllOf(caller, permissions, findLacking);
    const id = ids.uuid();
    const { token, secret } = newServiceSecret(id, { ids, clock });
    const value: ServiceCredential = {
      name,
      permissions: [...new Set(permissions)],
      secrets: keys ? [] : [secret],
      keys: keys ? toServiceKeys(clientAssertions, keys) : [],
      generation: 0,
      created_by: actorOf(context),
      ...(caller.kind === 'user' && { owner: caller.user_id }),
      created_at: clock.now(),
    };
    await store.transact([insert(serviceCredentials, id, value)], tellOwner(context, 'created', { id, value }));
    return { ...toService({ id, value }), ...(!keys && { client_secret: token }) };
  },
});
