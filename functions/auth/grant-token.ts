import * as z from 'zod';
import { AppError, toAppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { holds } from '../../shared/kit/permissions.ts';
import { rotateSession } from '../sessions/rotate-session.ts';
import { authenticateClient, CLIENT_PORTS, CLIENT_READS, CLIENT_WRITES } from './client-authentication.ts';
import { clientOf, TokenText } from './model.ts';
import { ClientFields, formExample, OAUTH_ANSWERS, oauthFailure, withoutEmpty } from './oauth.ts';

const Token = z.object({
  access_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.int().meta({ description: 'Seconds' }),
  scope: z.string().optional().meta({ description: 'Permissions, with spaces between' }),
  refresh_token: z.string().optional(),
});

/** What a service asks for, of what it may; all of that when it asks for nothing. */
const scopeOf = (permissions: readonly string[], scope: string | undefined): string[] => {
  const wanted = [...new Set(scope?.split(' ').filter(Boolean))];
  const beyond = wanted.find((each) => each.startsWith('!') || !holds(permissions, each));
  if (beyond) throw new AppError('invalid_scope', { detail: `The client does not hold ${beyond}` });
  return wanted.length ? wanted : [...permissions];
};

/**
 * The token endpoint of OAuth 2.0 (RFC 6749): an access token for a service itself (`client_credentials`), or a user's
 * refresh token for new tokens (`refresh_token`), as /api/v1/auth/refresh gives them.
 *
 * A service proves who it is by its secret, in the header (`client_secret_basic`) or the form (`client_secret_post`), or
 * by a JWT that it signs (`private_key_jwt`, RFC 7523), which is good once. `scope` names permissions that it holds.
 */
export const grantToken = operation({
  name: 'auth.grant-token',
  summary: 'Gives tokens for a grant (OAuth 2.0)',
  http: {
    method: 'POST',
    path: '/oauth2/token',
    body: ['form'],
    credentials: 'basic',
    request: withoutEmpty,
    answers: [{ status: 200, kind: 'json', schema: Token }, ...OAUTH_ANSWERS],
    answer: (json) => ({ status: 200, kind: 'json', json, headers: { pragma: 'no-cache' } }),
    failure: oauthFailure,
  },
  access: 'public',
  bounds: { address: 600 },
  input: z
    .object({
      grant_type: z.string().max(128),
      scope: z.string().max(8192).optional(),
      refresh_token: TokenText.optional(),
      ...ClientFields,
    })
    .meta(formExample({ grant_type: 'client_credentials' })),
  output: Token,
  errors: ['invalid_client', 'invalid_grant', 'invalid_scope', 'unsupported_grant_type', 'conflict'],
  reads: CLIENT_READS,
  writes: CLIENT_WRITES,
  needs: [...CLIENT_PORTS, 'tokens', 'metrics'],
  calls: { rotateSession },
  audit: 'events',
  run: async (
    { tokens, metrics, rotateSession, ...given },
    { grant_type, scope, refresh_token, ...fields },
    context,
  ) => {
    const client = await authenticateClient(given, context, fields);
    const count = (operation: string) =>
      metrics.count('perfect21_token_operations_total', { operation, result: 'success' });
    if (grant_type === 'client_credentials') {
      if (!client) throw new AppError('invalid_client');
      const { name, generation, permissions } = client.value;
      const granted = scopeOf(permissions, scope);
      const about = { user_id: client.id, session_id: client.id, generation, roles: [], client_name: name };
      const { access_token, expires_at } = await tokens.sign({ ...about, permissions: granted });
      count('issue');
      const expires_in = expires_at - Math.floor(given.clock.now() / 1_000);
      return { access_token, token_type: 'Bearer' as const, expires_in, scope: granted.join(' ') };
    }
    if (grant_type !== 'refresh_token') throw new AppError('unsupported_grant_type');
    // users log in with the platform's own client, whose tokens no service may use up
    if (client) throw new AppError('invalid_grant', { detail: 'The refresh token was issued to another client' });
    if (refresh_token === undefined) {
      throw new AppError('invalid_request', { errors: [{ path: 'refresh_token', message: 'Is required' }] });
    }
    if (scope !== undefined) throw new AppError('invalid_scope', { detail: 'A refresh keeps the scope as it is' });
    const { access_token, expires_in, ...rotated } = await rotateSession({
      refresh_token,
      client: clientOf(context),
    }).catch((thrown) => {
      if (toAppError(thrown).code !== 'invalid_refresh_token') throw thrown;
      throw new AppError('invalid_grant', { detail: 'The refresh token is unknown, used or expired' });
    });
    count('refresh');
    return { access_token, token_type: 'Bearer' as const, expires_in, refresh_token: rotated.refresh_token };
  },
});
