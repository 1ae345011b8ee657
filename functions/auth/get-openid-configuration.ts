import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';

/** Where things are (OpenID Connect Discovery 1.0, RFC 8414): issuer and keys, as gateways look them up. */
export const getOpenidConfiguration = operation({
  name: 'auth.get-openid-configuration',
  summary: 'Says where keys and endpoints are',
  http: { method: 'GET', path: '/.well-known/openid-configuration', cache: 'public, max-age=3600' },
  access: 'public',
  input: z.strictObject({}),
  output: z.object({
    issuer: z.string(),
    jwks_uri: z.string(),
    response_types_supported: z.array(z.string()),
    subject_types_supported: z.array(z.string()),
    id_token_signing_alg_values_supported: z.array(z.string()),
  }),
  needs: ['settings', 'keys'],
  run: async ({ settings, keys }) => {
    const { keys: published } = await keys.jwks();
    return {
      issuer: settings.public_url,
      jwks_uri: `${settings.public_url}/.well-known/jwks.json`,
      response_types_supported: ['token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: [...new Set(published.map(({ alg }) => String(alg)))],
    };
  },
});
