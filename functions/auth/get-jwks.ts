import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';

/** The public keys that verify our tokens (RFC 7517), so that any JWT library or gateway can. */
export const getJwks = operation({
  name: 'auth.get-jwks',
  summary: 'Gives the public keys that verify tokens',
  http: { method: 'GET', path: '/.well-known/jwks.json', cache: 'public, max-age=3600' },
  access: 'public',
  input: z.strictObject({}),
  output: z.object({ keys: z.array(z.record(z.string(), z.unknown())) }),
  needs: ['keys'],
  run: ({ keys }) => keys.jwks(),
});
