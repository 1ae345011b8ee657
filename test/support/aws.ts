/** The environment in which the AWS SDK finds doubles in place of services. */
import { vi } from 'vitest';

/** @param endpoints by service as the SDK's variables name them: `{ SQS: 'http://127.0.0.1:4100' }` */
export const awsEnvironment = (endpoints: Readonly<Record<string, string>>): Record<string, string> => ({
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  ...Object.fromEntries(Object.entries(endpoints).map(([name, url]) => [`AWS_ENDPOINT_URL_${name}`, url])),
});

/** Sets variables until `vi.unstubAllEnvs()`. */
export const stubEnvironment = (environment: Readonly<Record<string, string>>): void => {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
};
