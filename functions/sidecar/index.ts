/** What is answered about the token that a caller holds. It stands beside the platform's services, and in sidecars alone. */
import { service } from '../../shared/kit/service.ts';
import { validateToken } from '../auth/validate-token.ts';
import { validateTokens } from '../auth/validate-tokens.ts';
import { checkTokenPermission } from './check-permission.ts';
import { checkTokenPermissions } from './check-permissions.ts';
import { checkRequest } from './check-request.ts';
import { watchToken } from './watch-token.ts';

/** Beside the services of a platform. */
export const gate = service('sidecar', [checkRequest, watchToken]);

/** All that a process without a store answers: these, and what the auth service answers of tokens. */
export const sidecar = [
  service('auth', [validateToken, validateTokens]),
  service('sidecar', [checkRequest, watchToken, checkTokenPermission, checkTokenPermissions]),
];
