import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { parsePermission } from '../../shared/kit/permissions.ts';
import { checkPermission } from '../permissions/check-permission.ts';
import { verdictOn } from './credential.ts';
import { fromEnvoy, toEnvoy } from './envoy.ts';
import { decideByToken } from './token-permission.ts';
import { RequestVerdict, refused } from './verdict.ts';

/**
 * Says whether a request may pass, by its bearer token and the permissions that it needs, all of them. What can't be known is
 * an answer as well: proxies let errors pass when told to.
 */
export const checkRequest = operation({
  name: 'sidecar.check-request',
  summary: 'Says for a proxy whether a request may pass',
  rpc: {
    method: 'envoy.service.auth.v3.Authorization/Check',
    request: fromEnvoy,
    response: toEnvoy,
    failure: () => toEnvoy(refused('unknown', 'unavailable')),
  },
  access: 'public',
  input: z.strictObject({
    /** The header's values; more than one is no credential. */
    authorization: z.array(z.string()),
    /** `resource:action` or `resource:action:scope`. */
    permissions: z.array(z.string()),
  }),
  output: RequestVerdict,
  needs: ['verifier', 'policyScopes', 'metrics'],
  calls: { checkPermission },
  run: ({ verifier, metrics, ...given }, { authorization, permissions }, { trace }) =>
    verdictOn({ verifier, metrics }, authorization, trace, async (verdict) => {
      for (const wanted of permissions) {
        const { resource, action, scope, denied } = parsePermission(wanted);
        const asked = !denied && resource && action && wanted.length <= 256;
        const question = { resource, action, context: {}, ...(scope && { scope }) };
        const { allowed } = asked ? await decideByToken(given, verdict, question) : { allowed: false };
        if (!allowed) return refused('forbidden', 'forbidden');
      }
      return undefined;
    }),
});
