/**
 * Functions whose releases come to a part of their calls first: a version for each release, the alias `live` that the API, queues
 * and streams invoke, and CodeDeploy between the two, which gives the alias back to the version before when its alarm rings.
 * Which, and how, is asked for here; `releases.ts` has the resources.
 */

/** Those on everybody's path. */
export const CANARIES: readonly string[] = [
  'auth-login',
  'auth-verify-mfa',
  'auth-refresh',
  'auth-validate-token',
  'auth-introspect',
  'auth-grant-token',
  'auth-get-jwks',
  'permissions-check-permission',
  // what every verifier follows
  'sessions-list-revocations',
  // without it no mail, and nobody hears of a revocation
  'events-relay',
  // where it is deployed
  'sidecar-authorizer',
];

/** How CodeDeploy moves an alias: those of its own. */
const STEPS = [
  ...[5, 10, 15, 30].map((minutes) => `Canary10Percent${minutes}Minutes`),
  ...['1Minute', '2Minutes', '3Minutes', '10Minutes'].map((each) => `Linear10PercentEvery${each}`),
  'AllAtOnce',
];

export interface Canaries {
  steps: string;
  /** Named by somebody: each has to be there. Undefined for those of the list. */
  named?: readonly string[];
}

/**
 * What the environment asks for.
 *
 * @throws Error that names the variable which can't be used
 * @example canariesOf({ PERFECT21_CANARY: 'Linear10PercentEvery1Minute' })
 */
export const canariesOf = ({ PERFECT21_CANARY, PERFECT21_CANARY_FUNCTIONS }: NodeJS.ProcessEnv): Canaries => {
  const steps = !PERFECT21_CANARY ? STEPS[0]! : PERFECT21_CANARY === 'off' ? 'AllAtOnce' : PERFECT21_CANARY;
  if (!STEPS.includes(steps))
    throw new Error(`PERFECT21_CANARY is not usable: choose off or one of ${STEPS.join(', ')}`);
  if (!PERFECT21_CANARY_FUNCTIONS) return { steps };
  const named = PERFECT21_CANARY_FUNCTIONS.split(',').map((name) => name.trim());
  return { steps, named: named.length === 1 && named[0] === 'none' ? [] : [...new Set(named.filter(Boolean))] };
};
