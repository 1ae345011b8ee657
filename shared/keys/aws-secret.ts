/** The master secrets in AWS Secrets Manager: read by processes at their start, exchanged by the operator's command. */
import { createHash } from 'node:crypto';
import { type AwsClient, AwsError, awsClient } from '../aws/client.ts';
import { secretsIn } from '../config/keys.ts';
import { StartError } from '../config/start-error.ts';
import { AppError } from '../kit/errors.ts';

type Held = [string, ...string[]];

/** One call. @throws AppError `unavailable` while Secrets Manager is away; StartError when it refuses */
const ask = async (client: AwsClient, operation: string, input: object): Promise<any> => {
  try {
    return await client.call(operation, input);
  } catch (cause) {
    if (!(cause instanceof AwsError) || cause.$metadata.httpStatusCode >= 500 || cause.name === 'ThrottlingException') {
      throw new AppError('unavailable', { detail: 'The secret is away', retry_after: 1, cause });
    }
    throw new StartError(`PERFECT21_SECRET can't be used in Secrets Manager: ${cause.name}`, { cause });
  }
};

const withClient = async <T>(work: (client: AwsClient) => Promise<T>): Promise<T> => {
  const client = awsClient('secretsmanager');
  try {
    return await work(client);
  } finally {
    client.close();
  }
};

/**
 * The secrets that stand there now, the newest first.
 *
 * @throws AppError `unavailable` while Secrets Manager is away; StartError when it refuses, or holds no strong secret
 */
export const readAwsSecrets = (id: string): Promise<Held> =>
  withClient(async (client) =>
    secretsIn(String((await ask(client, 'GetSecretValue', { SecretId: id })).SecretString ?? '')),
  );

export interface AwsSecrets {
  readonly held: Held;
  /** Whether the last one was only added: everybody may open what it seals, nobody seals with it yet. */
  readonly waiting: boolean;
  /** Puts others in their place; the present ones stay under the label AWSPREVIOUS. @throws StartError when somebody else was faster */
  replace(secrets: readonly string[]): Promise<void>;
}

/** What stands there, for who exchanges it. Throws as `readAwsSecrets` does. */
export const openAwsSecrets = (id: string): Promise<AwsSecrets> =>
  withClient(async (client) => {
    const now = await ask(client, 'GetSecretValue', { SecretId: id });
    const before = await ask(client, 'GetSecretValue', { SecretId: id, VersionStage: 'AWSPREVIOUS' }).catch(
      (thrown) => {
        if ((thrown as Error).cause instanceof AwsError && /NotFound/.test(((thrown as Error).cause as Error).name))
          return {};
        throw thrown;
      },
    );
    const held = secretsIn(String(now.SecretString ?? ''));
    const former = before.SecretString ? secretsIn(before.SecretString) : undefined;
    // one version follows each other one: whoever else began from the same one is refused
    const ClientRequestToken = createHash('sha256').update(`${now.VersionId} ${before.VersionId}`).digest('hex');
    return {
      held,
      waiting: former !== undefined && former.join() === held.slice(0, -1).join(),
      replace: async (secrets) => {
        const SecretString = JSON.stringify(secrets);
        await withClient((own) => ask(own, 'PutSecretValue', { SecretId: id, ClientRequestToken, SecretString })).catch(
          (thrown: Error) => {
            const lost = thrown.cause instanceof AwsError && thrown.cause.name === 'ResourceExistsException';
            throw lost ? new StartError('somebody else changes the secret in Secrets Manager now: look again') : thrown;
          },
        );
      },
    };
  });
