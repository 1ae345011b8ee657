/** The second step of a login whose account has a second factor. Every way to a session that begins with a password comes here. */
import type { Context } from '../../shared/kit/context.ts';
import { AppError } from '../../shared/kit/errors.ts';
import type { OperationStore } from '../../shared/kit/operation.ts';
import type { Ports } from '../../shared/ports/index.ts';
import type { Client } from '../sessions/model.ts';
import { mintDevice } from './device-token.ts';
import { securityAlert, userLogin } from './events.ts';
import { MFA_TOKEN_MS, type Pending, readMfaToken } from './mfa-token.ts';
import type { Amr } from './model.ts';
import { factors, loginAttempts } from './records.ts';
import { CODE_PORTS, type CodeGiven, takeCode } from './take-code.ts';

/** What an operation that takes the second step declares. */
export const STEP_PORTS = [...CODE_PORTS, 'ids', 'metrics', 'sealer'] as const;
export const STEP_EVENTS = [userLogin, securityAlert] as const;

type Given = Pick<Ports, (typeof STEP_PORTS)[number]> &
  Omit<CodeGiven, 'store'> & {
    store: CodeGiven['store'] & Pick<OperationStore<never, never, (typeof STEP_EVENTS)[number]['type']>, 'transact'>;
    getAccount: (input: { user_id: string }) => Promise<{ status?: string | undefined; generation: number }>;
  };

/** Codes for one token; then the password is asked for again. */
const TRIES = 5;

export interface SecondStep {
  login: Pending;
  /** Nothing came of it: code and token are good again. */
  giveBack(): Promise<void>;
}

/**
 * Takes the code of a login, once.
 *
 * @throws AppError `invalid_mfa_token`, `invalid_mfa_code`, `too_many_requests`
 */
export const secondStep = async (
  given: Given,
  { mfa_token, code }: { mfa_token: string; code: string },
  { ip_address, user_agent }: { ip_address: string; user_agent: string },
): Promise<SecondStep> => {
  const { store, clock, sealer, metrics, getAccount } = given;
  const login = readMfaToken(sealer, mfa_token, user_agent, clock.now());
  if (!login) throw new AppError('invalid_mfa_token');
  const { user_id, email } = login;
  const tries = { expires_at: clock.now() + MFA_TOKEN_MS };
  const counted = (by: number) => store.increment(loginAttempts, `mfa:${login.id}`, { ...tries, by });
  if ((await counted(1)) > TRIES) throw new AppError('invalid_mfa_token');
  const [account, factor] = await Promise.all([getAccount({ user_id }), store.get(factors, user_id)]);
  // a password or status that changed since, or a factor that is gone: all of that begins with the password again
  const stands = account.status === 'active' && account.generation === login.generation;
  if (!stands || factor?.value.confirmed_at === undefined) throw new AppError('invalid_mfa_token');
  const taken = await takeCode(given, factor, code, { user_id, known: login.known, ip_address, user_agent });
  metrics.count('perfect21_auth_events_total', { event_type: 'mfa', result: taken ? 'success' : 'failure' });
  if (!taken) {
    const failed = { user_id, email, login_successful: false, ip_address, user_agent, mfa_used: false };
    await store.transact([], [userLogin.with({ ...failed, failure_reason: 'wrong_mfa_code' }, { user_id })]);
    throw new AppError('invalid_mfa_code');
  }
  await counted(TRIES);
  return {
    login,
    giveBack: async () => {
      await Promise.all([taken.giveBack(), counted(-TRIES - 1)]);
    },
  };
};

interface NewSession {
  user_id: string;
  email: string;
  generation: number;
  amr: Amr;
  client: Client;
  known: boolean;
  failures: number;
}

/** Begins the session of a login whose second step was taken; the device is known from then on. */
export const sessionOf = async <T>(
  { secrets, ids, clock }: Pick<Ports, 'secrets' | 'ids' | 'clock'>,
  createSession: (session: NewSession) => Promise<T>,
  { login, giveBack }: SecondStep,
  client: Client,
  context: Context,
): Promise<T> => {
  const { user_id, email, generation, known, failures, device_info } = login;
  const amr: Amr = ['pwd', 'otp', 'mfa'];
  const proven = { user_id, email, generation, amr, known: known !== undefined, failures };
  const session = { ...proven, client: { ...client, device_info } };
  const tokens = await createSession(session).catch(async (thrown) => {
    await giveBack().catch(() => {});
    throw thrown;
  });
  if (context.gives) context.gives.device = mintDevice(secrets, ids, user_id, clock.now(), known);
  return tokens;
};
