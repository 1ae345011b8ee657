/** Services as who administers them sees them. */
import * as z from 'zod';
import type { ServiceCredential } from '../../shared/keys/service-credential-records.ts';
import type { Context } from '../../shared/kit/context.ts';
import { AppError } from '../../shared/kit/errors.ts';
import type { NewEvent } from '../../shared/kit/event.ts';
import type { ClientAssertions, ServiceKey } from '../../shared/ports/client-assertions.ts';
import type { Stored } from '../../shared/ports/store.ts';
import { recommendedActions, securityAlert } from './events.ts';
import { clientOf } from './model.ts';
import { ASSERTION_ALGS } from './oauth.ts';

export const ClientId = z.string().min(1).max(128);
export const ServiceName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}$/, 'Use 1 to 63 of a-z, 0-9 and -, a letter first')
  .meta({ examples: ['orders'] });

const part = z
  .string()
  .max(2_048)
  .regex(/^[A-Za-z0-9_-]+$/, 'Use base64url')
  .optional();

/** A public key (RFC 7517): RSA of 2048 bits or more, P-256 or Ed25519. Private parts are refused. */
export const PublicKey = z
  .strictObject({
    kty: z.enum(['RSA', 'EC', 'OKP']),
    crv: z.enum(['P-256', 'Ed25519']).optional(),
    n: part,
    e: part,
    x: part,
    y: part,
    kid: z
      .string()
      .regex(/^[A-Za-z0-9_.:-]{1,128}$/, 'Use 1 to 128 of A-Z, a-z, 0-9, _, ., : and -')
      .optional(),
    alg: z.enum(ASSERTION_ALGS).optional(),
    use: z.literal('sig').optional(),
  })
  .meta({
    examples: [{ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo', kid: 'orders-1' }],
  });
export const PublicKeys = z.array(PublicKey).min(1).max(5);

/** Keys as they are kept. @throws AppError `invalid_request` for one that can't be used */
export const toServiceKeys = (
  assertions: ClientAssertions,
  keys: readonly z.output<typeof PublicKey>[],
): ServiceKey[] => {
  const fault = (path: string, message: string) => new AppError('invalid_request', { errors: [{ path, message }] });
  const kept = keys.map((jwk, at) => {
    const key = assertions.toKey(jwk);
    if (key) return key;
    throw fault(`keys.${at}`, 'Is no public key for its algorithm: RSA of 2048 bits or more, P-256 or Ed25519');
  });
  if (new Set(kept.map(({ kid }) => kid)).size < kept.length) throw fault('keys', 'Two have the same kid');
  return kept;
};

const Seconds = z.int().meta({ description: 'Unix seconds' });

export const Service = z.object({
  client_id: z.string(),
  name: z.string(),
  permissions: z.array(z.string()),
  created_by: z.string(),
  created_at: Seconds,
  secrets: z.array(z.object({ created_at: Seconds, expires_at: Seconds.optional() })),
  keys: z.array(z.object({ kid: z.string(), alg: z.string(), expires_at: Seconds.optional() })),
});

const seconds = (ms: number): number => Math.floor(ms / 1_000);
const until = (expires_at: number | undefined) => (expires_at === undefined ? {} : { expires_at: seconds(expires_at) });

/** A service without anything that opens a door. */
export const toService = ({ id, value }: Pick<Stored<ServiceCredential>, 'id' | 'value'>): z.input<typeof Service> => ({
  client_id: id,
  name: value.name,
  permissions: value.permissions,
  created_by: value.created_by,
  created_at: seconds(value.created_at),
  secrets: value.secrets.map(({ created_at, expires_at }) => ({
    created_at: seconds(created_at),
    ...until(expires_at),
  })),
  keys: value.keys.map(({ kid, alg, expires_at }) => ({ kid, alg, ...until(expires_at) })),
});

/** Tells the user who made a service what became of it; nobody where no user did. */
export const tellOwner = (
  context: Context,
  what: 'created' | 'rotated' | 'revoked',
  { id, value: { name, owner } }: Pick<Stored<ServiceCredential>, 'id' | 'value'>,
): NewEvent<'security.alert'>[] => {
  if (owner === undefined) return [];
  const { ip_address, user_agent } = clientOf(context);
  const alert = {
    user_id: owner,
    alert_type: `service_${what}`,
    severity: 'medium' as const,
    description: `The credentials of the service "${name}", which you made, were ${what}`,
    details: { client_id: id, name },
    ip_address,
    user_agent,
    recommended_actions: recommendedActions('medium'),
  };
  return [securityAlert.with(alert, { user_id: owner })];
};
