/** Passkeys as they are kept and shown. */
import { createPublicKey } from 'node:crypto';
import * as z from 'zod';
import type { OperationStore } from '../../shared/kit/operation.ts';
import { remove } from '../../shared/ports/store.ts';
import type { CredentialKey } from './authenticator-data.ts';
import { recommendedActions, securityAlert } from './events.ts';
import { digest } from './model.ts';
import { Base64Url, toBytes } from './passkey-ceremony.ts';
import { type Passkey, passkeyOwners, passkeys } from './records.ts';

/** Of one user: an authenticator holds one, and nobody carries so many. */
export const MOST_PASSKEYS = 20;

/** 1,023 bytes at most (WebAuthn, section 7.1). */
export const CredentialId = Base64Url(1_364);

export const PasskeyView = z.object({
  id: z.string(),
  name: z.string().optional().meta({ description: 'What its owner calls it' }),
  created_at: z.int().meta({ description: 'Unix seconds' }),
  last_used_at: z.int().optional().meta({ description: 'Unix seconds' }),
  backed_up: z.boolean().meta({ description: 'It is on other devices of its owner, too' }),
});

export const viewOf = ({ id, name, created_at, last_used_at, backed_up }: Passkey): z.output<typeof PasskeyView> => ({
  ...{ id, created_at, backed_up },
  ...(name && { name }),
  ...(last_used_at && { last_used_at }),
});

/** Whether it still opens the account: what was there when somebody else may have been in it does not (unix ms). */
export const isLive = ({ created_at }: Passkey, recovered_at = 0): boolean => created_at * 1_000 >= recovered_at;

/** By what the owner of a credential is found: ids are longer than keys of a store may be. */
export const ownerId = (credential_id: string): string => digest(credential_id);

/** What has to be removed for a user to have none. */
export const removalOf = async (
  store: OperationStore<'passkeys' | 'passkey_owners', 'passkeys' | 'passkey_owners', never>,
  user_id: string,
) => {
  const held = await store.get(passkeys, user_id);
  if (!held) return [];
  const owners = await store.getMany(
    passkeyOwners,
    held.value.passkeys.map(({ id }) => ownerId(id)),
  );
  return [remove(passkeys, held), ...[...owners.values()].map((owner) => remove(passkeyOwners, owner))];
};

/** A key as it is kept. */
export const keyOf = ({ algorithm, key }: CredentialKey): Pick<Passkey, 'algorithm' | 'public_key'> => ({
  algorithm,
  public_key: key.export({ type: 'spki', format: 'der' }).toString('base64url'),
});

/** A key as it verifies. */
export const openKey = ({ algorithm, public_key }: Passkey): CredentialKey => ({
  algorithm,
  key: createPublicKey({ key: toBytes(public_key), type: 'spki', format: 'der' }),
});

const TOLD = {
  passkey_added: { severity: 'high', says: 'A passkey was added to your account: it logs in without your password' },
  passkey_removed: { severity: 'medium', says: 'A passkey of your account was removed' },
  passkey_copied: {
    severity: 'high',
    says: 'Somebody tried to log in with a copy of a passkey of yours; it was refused',
  },
} as const;

/** Tells the owner. */
export const alertOf = (
  alert_type: keyof typeof TOLD,
  { name = 'without a name' }: Pick<Passkey, 'name'>,
  { user_id, ip_address, user_agent }: { user_id: string; ip_address: string; user_agent: string },
) => {
  const { severity, says: description } = TOLD[alert_type];
  const actions = recommendedActions(severity);
  return securityAlert.with(
    {
      user_id,
      alert_type,
      severity,
      description,
      details: { passkey: name },
      ip_address,
      user_agent,
      recommended_actions: actions,
    },
    { user_id },
  );
};
