/** Region, credentials and endpoint of AWS: from the environment, as functions have them, else from the SDK's default chain. */
import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/** What is not left to the environment. */
export interface AwsOptions {
  region?: string;
  endpoint?: string;
  credentials?: Credentials;
}

type Chain = { region(): Promise<string>; credentials(): Promise<Credentials> };
let chain: Promise<Chain> | undefined;

/** Profiles, containers, instances, single sign-on: 90 ms of CPU that a function does not pay. */
const sdkChain = (): Promise<Chain> => {
  chain ??= import('@aws-sdk/client-dynamodb').then(({ DynamoDBClient }) => {
    const { config } = new DynamoDBClient({} satisfies DynamoDBClientConfig);
    return { region: async () => config.region(), credentials: async () => config.credentials() };
  });
  return chain;
};

/** @throws Error `Region is missing` when neither environment nor profile has one */
export const regionOf = async ({ region }: AwsOptions): Promise<string> =>
  region ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? (await sdkChain()).region();

/** Asked before each call: keys of a role are replaced while a process runs. @throws CredentialsProviderError */
export const credentialsOf = async ({ credentials }: AwsOptions): Promise<Credentials> => {
  if (credentials) return credentials;
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_PROFILE } = process.env;
  if (AWS_ACCESS_KEY_ID && AWS_SECRET_ACCESS_KEY && !AWS_PROFILE) {
    return {
      accessKeyId: AWS_ACCESS_KEY_ID,
      secretAccessKey: AWS_SECRET_ACCESS_KEY,
      ...(AWS_SESSION_TOKEN && { sessionToken: AWS_SESSION_TOKEN }),
    };
  }
  return (await sdkChain()).credentials();
};

/** `AWS_ENDPOINT_URL_<SERVICE>`, `AWS_ENDPOINT_URL`, or the public one of the region. */
export const endpointOf = (host: string, name: string, region: string, { endpoint }: AwsOptions): URL =>
  new URL(
    endpoint ??
      process.env[`AWS_ENDPOINT_URL_${name}`] ??
      process.env.AWS_ENDPOINT_URL ??
      `https://${host}.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`,
  );
