/** The next signing key in AWS KMS, for who rotates: of the same kind as the present one. */
import { awsClient } from '../aws/client.ts';
import { StartError } from '../config/start-error.ts';

/**
 * Makes a key beside the present one and gives the ARNs of both. Nothing signs with it until `KEYS_URL` names it first.
 *
 * @throws StartError when KMS refuses, or does not answer: a key may then have been made
 */
export const makeNextKmsKey = async (present: string): Promise<{ present: string; next: string }> => {
  const client = awsClient('kms');
  try {
    const { KeyId, KeySpec } = await client.call('GetPublicKey', { KeyId: present });
    const { KeyMetadata } = await client.call('CreateKey', {
      KeySpec,
      KeyUsage: 'SIGN_VERIFY',
      Description: 'Signs the access tokens of perfect21',
      Tags: [{ TagKey: 'perfect21', TagValue: 'signing-key' }],
    });
    return { present: KeyId, next: KeyMetadata.Arn };
  } catch (cause) {
    throw new StartError(`KMS makes no key beside ${present}: ${(cause as Error).message}`, { cause });
  } finally {
    client.close();
  }
};
