/** The vault that `VAULT` names: keys of KMS. What it is made of is loaded where it is used. */
import { awsClient } from '../aws/client.ts';
import { StartError } from '../config/start-error.ts';
import { adapter } from '../kit/adapter.ts';
import { createVault } from './vault.ts';

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: osls fills it in
/** The keys of this deployment, the newest first: infra/aws/environment.yml says which. */
const KEYS = { 'Fn::Split': [',', '${self:custom.environment.VAULT_KEY_ARNS}'] };
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: osls fills it in
const RIGHTS = [
  { actions: ['kms:GenerateDataKey'], resource: { 'Fn::Select': [0, KEYS] } },
  { actions: ['kms:Decrypt'], resource: KEYS },
];

/** In place of the vault of the master secrets where `VAULT` names KMS keys: `kms:<ids>`, or their ARNs as they are. */
export const kmsVault = adapter({
  port: 'vault',
  needs: ['secrets', 'clock'],
  env: ['VAULT'],
  iam: RIGHTS,
  open: async ({ secrets, clock }, { env: { VAULT = '' } }) => {
    const [, named = ''] = /^(?:kms:(?=.)|(?=arn:))(.+)$/.exec(VAULT) ?? [];
    const ids = named.split(',').flatMap((id) => id.trim() || []);
    if (!ids.length) throw new StartError('VAULT names no vault: use secret: or kms:<key-id>[,<older key-id>…]');
    const { createKmsVault } = await import('./kms-vault.heavy.ts');
    const client = awsClient('kms');
    return {
      port: createKmsVault(ids, client, clock, createVault(secrets)),
      close: async () => client.close(),
    };
  },
});
