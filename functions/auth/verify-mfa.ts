import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { createSession } from '../sessions/create-session.ts';
import { getAccount } from '../users/get-account.ts';
import { Code, clientOf, Tokens } from './model.ts';
import { STEP_EVENTS, STEP_PORTS, secondStep, sessionOf } from './second-step.ts';
import { CODE_READS, CODE_WRITES } from './take-code.ts';

/**
 * The second step of a login: a code of the authenticator app, or a recovery code. The token is good for five minutes and
 * five codes, for the client that gave the password; each code is good once.
 */
export const verifyMfa = operation({
  name: 'auth.verify-mfa',
  summary: 'Logs in with the code that a login asked for',
  http: { method: 'POST', path: '/api/v1/auth/mfa/verify' },
  access: 'public',
  bounds: { address: 120, process: 6_000 },
  input: z.strictObject({ mfa_token: z.string().max(16_384), code: Code }),
  output: Tokens,
  errors: ['invalid_mfa_code', 'invalid_mfa_token', 'conflict'],
  emits: STEP_EVENTS,
  reads: CODE_READS,
  writes: CODE_WRITES,
  needs: STEP_PORTS,
  calls: { createSession, getAccount },
  run: async ({ createSession, ...given }, input, context) => {
    const { ip_address, user_agent, place } = clientOf(context);
    const client = { ip_address, user_agent, place };
    const step = await secondStep(given, input, client);
    return sessionOf(given, createSession, step, client, context);
  },
});
