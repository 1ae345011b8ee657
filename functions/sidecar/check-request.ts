import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { parsePermission } from '../../shared/kit/permissions.ts';
import { countVerdict } from '../auth/validation.ts';
import { checkPermission } from '../permissions/check-permission.ts';
import { fromEnvoy, toEnvoy } from './envoy.ts';
import { decideByToken } from './token-permission.ts';
import { RequestVerdict, refused } from './verdict.ts';

const BEARER = /^Bearer +([\x21-\x7e]+)$/i;

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
  run: async ({ verifier, metrics, ...given }, { authorization, permissions }) => {
    const [credential] = authorization;
    if (credential === undefined) return refused('unauthenticated', 'no_token');
    const token = authorization.length === 1 ? BEARER.exec(credential)?.[1] : undefined;
    if (!token) return refused('unauthenticated', 'malformed');
    try {
      const verdict = await verifier.verify(token);
      countVerdict(metrics, verdict);
      if (!verdict.valid) return refused('unauthenticated', verdict.error);
      for (const wanted of permissions) {
        const { resource, action, scope, denied } = parsePermission(wanted);
        const asked = !denied && resource && action && wanted.length <= 256;
        const question = { resource, action, context: {}, ...(scope && { scope }) };
        const { allowed } = asked ? await decideByToken(given, verdict, question) : { allowed: false };
        if (!allowed) return refused('forbidden', 'forbidden');
      }
      const { claims, warnings = [] } = verdict;
      return {
        outcome: 'allowed' as const,
        error: '',
        user_id: claims.sub,
        session_id: claims.sid,
        roles: claims.roles,
        permissions: claims.permissions,
        expires_at: claims.exp,
        warnings: [...warnings],
      };
    } catch (thrown) {
      if (!(thrown instanceof AppError)) throw thrown;
      return refused('unknown', 'unavailable');
    }
  },
});
