/** What an environment can't have: said at the start, where it would look like an outage later. */
import type { Environment } from './environment.ts';
import { StartError } from './start-error.ts';

/** Of a pod, this is the pod: nobody else is there. */
const LOOPBACK = /(?:\/\/|@|=)(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?=[:/,?]|$)/i;
const REACHED = [
  'STORE_URL',
  'BUS_URL',
  'DISCOVERY_URL',
  'SIDECAR_ORIGIN',
  'SIDECAR_FEED',
  'PERFECT21_PUBLIC_URL',
] as const;
/** User and password as engines have them when nobody chose any. */
const DEFAULTS = /:\/\/(?:guest:guest|postgres:postgres|admin:admin|root:root|user:password|rabbitmq:rabbitmq)@/i;

/**
 * Refuses addresses of the machine itself in a cluster, and in production passwords that everybody knows. For processes:
 * functions are told by the stack where everything is.
 *
 * @throws StartError with one line that says what to do
 */
export const requirePlace = (env: Environment): void => {
  if (env.KUBERNETES_SERVICE_HOST)
    for (const name of REACHED)
      if (LOOPBACK.test(env[name] ?? ''))
        throw new StartError(`${name} leads to this pod itself: in a cluster name a Service, or a socket of the pod`);
  if (env.NODE_ENV !== 'production') return;
  for (const name of ['STORE_URL', 'BUS_URL', 'MAIL_URL'] as const)
    if (DEFAULTS.test(env[name] ?? ''))
      throw new StartError(`${name} has a password that everybody knows: in production choose another`);
};

/**
 * Users open links and tokens name an issuer: in a cluster nobody can guess where that is.
 *
 * @throws StartError when it is not said
 */
export const requirePublicUrl = (env: Environment): void => {
  if (env.KUBERNETES_SERVICE_HOST && !env.PERFECT21_PUBLIC_URL)
    throw new StartError('PERFECT21_PUBLIC_URL is missing: in a cluster say where users find the platform, https://…');
};
