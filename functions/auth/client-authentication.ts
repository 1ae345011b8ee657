/** Which service calls an OAuth endpoint: by client_secret_basic, client_secret_post or private_key_jwt (RFC 6749, 2.3; RFC 7523). */
import {
  isSecretOf,
  type ServiceCredential,
  serviceCredentials,
  serviceIdIn,
} from '../../shared/keys/service-credential-records.ts';
import type { Context } from '../../shared/kit/context.ts';
import { AppError } from '../../shared/kit/errors.ts';
import type { OperationStore } from '../../shared/kit/operation.ts';
import type { PortName, Ports } from '../../shared/ports/index.ts';
import { insert, type Stored, WriteConflict } from '../../shared/ports/store.ts';
import { digest } from './model.ts';
import { type ClientFields, JWT_BEARER, OWN_CLIENT } from './oauth.ts';
import { clientAssertions } from './records.ts';

export const CLIENT_PORTS = ['clock', 'clientAssertions'] as const satisfies readonly PortName[];
export const CLIENT_READS = [serviceCredentials] as const;
export const CLIENT_WRITES = [clientAssertions] as const;

type ClientStore = OperationStore<'service_credentials', 'client_assertions', never>;
type Given = Pick<Ports, (typeof CLIENT_PORTS)[number]> & { store: ClientStore };

const refused = (detail?: string): AppError => new AppError('invalid_client', { detail });

/** Basic credentials of OAuth are encoded once more, as a form is (RFC 6749, 2.3.1). */
const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw refused('The Basic credentials are not encoded as RFC 6749, 2.3.1 says');
  }
};

const bySecret = async (
  { store, clock }: Given,
  client_id: string,
  secret: string,
): Promise<Stored<ServiceCredential>> => {
  // the secret is the whole token, so that one text opens every door
  const found = serviceIdIn(secret) === client_id ? await store.get(serviceCredentials, client_id) : undefined;
  if (!found || !isSecretOf(secret, found.value.secrets, clock.now())) throw refused();
  return found;
};

const byAssertion = async (
  { store, clientAssertions: assertions }: Given,
  text: string,
  client_id?: string,
): Promise<Stored<ServiceCredential>> => {
  const assertion = assertions.read(text);
  if (!assertion || (client_id !== undefined && client_id !== assertion.client_id)) throw refused();
  const found = await store.get(serviceCredentials, assertion.client_id);
  if (!found || !assertion.isSignedBy(found.value.keys)) throw refused();
  try {
    // once: who copied it comes too late, or makes the other's try fail
    const id = digest(JSON.stringify([assertion.client_id, assertion.jti]));
    await store.transact([insert(clientAssertions, id, {}, { expires_at: assertion.expires_at })]);
  } catch (thrown) {
    if (!(thrown instanceof WriteConflict)) throw thrown;
    throw refused('This assertion was used before');
  }
  return found;
};

/**
 * The service that a request says it comes from, and proves to; undefined where it says none.
 *
 * @throws AppError `invalid_client` for one that proves nothing, `invalid_request` for several ways at once
 */
export const authenticateClient = async (
  given: Given,
  { basic }: Context,
  { client_id, client_secret, client_assertion, client_assertion_type }: ClientFields,
): Promise<Stored<ServiceCredential> | undefined> => {
  if ([basic, client_secret, client_assertion].filter((each) => each !== undefined).length > 1) {
    throw new AppError('invalid_request', { detail: 'Prove who you are in one way' });
  }
  if (basic) {
    const user = decoded(basic.user);
    if (client_id !== undefined && client_id !== user) throw refused('client_id and the Basic credentials differ');
    return bySecret(given, user, decoded(basic.password));
  }
  if (client_assertion !== undefined) {
    if (client_assertion_type !== JWT_BEARER) {
      throw new AppError('invalid_request', { detail: `client_assertion_type has to be ${JWT_BEARER}` });
    }
    return byAssertion(given, client_assertion, client_id);
  }
  if (client_secret !== undefined) return bySecret(given, client_id ?? '', client_secret);
  if (client_id !== undefined && client_id !== OWN_CLIENT) throw refused('The client proves nothing');
  return undefined;
};
