import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { ASSERTION_ALGS, GRANT_TYPES, METHODS } from './oauth.ts';

const CACHE = 'public, max-age=3600';
const texts = z.array(z.string());

/** Where things are (OpenID Connect Discovery 1.0, RFC 8414): issuer, keys and endpoints, as gateways and clients look them up. */
export const getOpenidConfiguration = operation({
  name: 'auth.get-openid-configuration',
  summary: 'Says where keys and endpoints are',
  http: [
    { method: 'GET', path: '/.well-known/openid-configuration', cache: CACHE },
    { method: 'GET', path: '/.well-known/oauth-authorization-server', cache: CACHE },
  ],
  access: 'public',
  input: z.strictObject({}),
  output: z.object({
    issuer: z.string(),
    jwks_uri: z.string(),
    token_endpoint: z.string(),
    token_endpoint_auth_methods_supported: texts,
    token_endpoint_auth_signing_alg_values_supported: texts,
    introspection_endpoint: z.string(),
    introspection_endpoint_auth_methods_supported: texts,
    introspection_endpoint_auth_signing_alg_values_supported: texts,
    revocation_endpoint: z.string(),
    revocation_endpoint_auth_methods_supported: texts,
    revocation_endpoint_auth_signing_alg_values_supported: texts,
    grant_types_supported: texts,
    response_types_supported: texts,
    subject_types_supported: texts,
    id_token_signing_alg_values_supported: texts,
  }),
  needs: ['settings', 'keys'],
  run: async ({ settings: { public_url }, keys }) => {
    const { keys: published } = await keys.jwks();
    const [known, algs] = [[...METHODS], [...ASSERTION_ALGS]];
    const anybody = [...METHODS, 'none'];
    return {
      issuer: public_url,
      jwks_uri: `${public_url}/.well-known/jwks.json`,
      token_endpoint: `${public_url}/oauth2/token`,
      // `none`: users' own refresh tokens
      token_endpoint_auth_methods_supported: anybody,
      token_endpoint_auth_signing_alg_values_supported: algs,
      introspection_endpoint: `${public_url}/oauth2/introspect`,
      introspection_endpoint_auth_methods_supported: known,
      introspection_endpoint_auth_signing_alg_values_supported: algs,
      revocation_endpoint: `${public_url}/oauth2/revoke`,
      revocation_endpoint_auth_methods_supported: anybody,
      revocation_endpoint_auth_signing_alg_values_supported: algs,
      grant_types_supported: [...GRANT_TYPES],
      response_types_supported: ['token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: [...new Set(published.map(({ alg }) => String(alg)))],
    };
  },
});
