/** Signs access tokens (RFC 9068) with the current key. */
import { adapter } from '../kit/adapter.ts';
import type { Ports } from '../ports/index.ts';
import type { AccessClaims, TokenSigner } from '../ports/tokens.ts';
import { CLIENT_ID } from './access-token.ts';
import { encode } from './base64url.ts';
import { MAX_TOKEN_LENGTH, signingInput } from './jws.ts';

/**
 * The signer over a signing key, clock, ids and settings. `expires_at` is in unix seconds, as the claim `exp`.
 *
 * @throws Error for a token that no verifier would read: more than 8 KiB, i.e. some 150 permissions
 */
export const createTokenSigner = ({
  signer,
  clock,
  ids,
  settings,
}: Pick<Ports, 'signer' | 'clock' | 'ids' | 'settings'>): TokenSigner => ({
  sign: async ({ user_id, session_id, generation, permissions, roles, ...of }) => {
    const iat = Math.floor(clock.now() / 1000);
    const claims: AccessClaims = {
      iss: settings.public_url,
      aud: settings.audience,
      sub: user_id,
      client_id: of.client_name === undefined ? CLIENT_ID : user_id,
      jti: ids.uuid(),
      sid: session_id,
      gen: generation,
      ...(of.permissions_generation && { pgen: of.permissions_generation }),
      ...(of.roles_generation && { rgen: of.roles_generation }),
      ...(of.client_mark && { cnx: of.client_mark }),
      ...(of.client_name !== undefined && { client_name: of.client_name }),
      ...(of.auth_time && { auth_time: of.auth_time }),
      ...(of.amr && { amr: [...of.amr], acr: of.amr.includes('mfa') ? 'aal2' : 'aal1' }),
      iat,
      exp: Math.min(iat + settings.access_token_ttl, of.expires_by ?? Number.POSITIVE_INFINITY),
      permissions,
      roles,
    };
    let signed = '';
    const { signature } = await signer.sign(({ kid, alg }) => {
      signed = signingInput({ alg, kid, typ: 'at+jwt' }, claims);
      return Buffer.from(signed);
    });
    const access_token = `${signed}.${encode(signature)}`;
    if (access_token.length > MAX_TOKEN_LENGTH) {
      throw new Error(`a token with ${permissions.length} permissions is too long: group them with wildcards`);
    }
    return { access_token, jti: claims.jti, expires_at: claims.exp };
  },
});

export const tokenSigner = adapter({
  port: 'tokens',
  needs: ['signer', 'clock', 'ids', 'settings'],
  open: (ports) => ({ port: createTokenSigner(ports) }),
});
