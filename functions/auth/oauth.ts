/** What the OAuth endpoints share: fields of a form, and errors in the form of RFC 6749, 5.2. Pure. */
import * as z from 'zod';
import type { Answered, HttpAnswer } from '../../shared/kit/binding.ts';
import { type AppError, ERRORS, toldOf } from '../../shared/kit/errors.ts';

/** The client of those that log users in themselves: it has no secret, and stands for no service. */
export const OWN_CLIENT = 'perfect21';

/** How a service may prove who it is. */
export const METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const;

export const GRANT_TYPES = ['client_credentials', 'refresh_token'] as const;

/** How a service may sign its assertions. */
export const ASSERTION_ALGS = ['RS256', 'ES256', 'EdDSA', 'Ed25519'] as const;

/** The only kind of assertion that is taken (RFC 7523, 2.2). */
export const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** How a client says who it is, where it does so in the form. Anything else that a form holds is passed over (RFC 6749, 3.2). */
export const ClientFields = {
  client_id: z.string().max(128).optional(),
  client_secret: z.string().max(512).optional(),
  client_assertion_type: z
    .string()
    .max(128)
    .optional()
    .meta({ examples: [JWT_BEARER] }),
  client_assertion: z.string().max(8192).optional(),
};
export type ClientFields = { [K in keyof typeof ClientFields]?: string };

const SECRET = 'p21s_01890a5d-ac96-774b-bcce-b302099a8057_kT3z0vWmYyqXo1f9Qe5rGhJ2sLdNcB7uAaPiVwMxRtE';

/** A request as most clients make it. */
export const formExample = (fields: Record<string, string>) => ({
  examples: [{ ...fields, client_id: SECRET.split('_')[1]!, client_secret: SECRET }],
});

/** A parameter without a value is treated as if it were left out (RFC 6749, 3.2). */
export const withoutEmpty = (fields: Record<string, unknown>): any =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''));

const OAuthError = z.object({ error: z.string(), error_description: z.string().optional() });

/** The refusals, for the declaration of a binding. */
export const OAUTH_ANSWERS: readonly HttpAnswer[] = [
  { status: 400, kind: 'json', schema: OAuthError, description: 'Refused (RFC 6749, 5.2)' },
  { status: 401, kind: 'json', schema: OAuthError, description: 'The client is not who it says (RFC 6749, 5.2)' },
];

/** Codes that OAuth has words for; all others are problems, as everywhere. */
const NAMES: Readonly<Record<string, string>> = {
  invalid_request: 'invalid_request',
  invalid_client: 'invalid_client',
  unauthenticated: 'invalid_client',
  invalid_grant: 'invalid_grant',
  invalid_scope: 'invalid_scope',
  unsupported_grant_type: 'unsupported_grant_type',
};

// what an error_description may hold (RFC 6749, 5.2)
const plain = (text: string): string => text.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, "'").slice(0, 300);

/** An error as OAuth clients read it. */
export const oauthFailure = (failure: AppError): Answered | undefined => {
  const error = NAMES[failure.code];
  if (!error) return undefined;
  return {
    status: ERRORS[failure.code].http,
    kind: 'json',
    json: { error, error_description: plain(toldOf(failure)) },
    ...(error === 'invalid_client' && { headers: { 'www-authenticate': 'Basic realm="perfect21", charset="UTF-8"' } }),
  };
};
