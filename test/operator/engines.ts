/** The stores that the operator's commands work on, each for one test. */
import { onTestFinished } from 'vitest';
import { startDynamo } from '../engines/dynamodb.ts';
import { startPostgres } from '../engines/postgres.ts';
import { awsEnvironment } from '../support/aws.ts';

export type Environment = Record<string, string>;

/** By name: starts the engine, and gives what a command needs to find it. */
export const ENGINES: Readonly<Record<string, () => Promise<Environment>>> = {
  sqlite: async () => ({}),
  postgres: async () => {
    const postgres = await startPostgres();
    onTestFinished(() => postgres.close());
    return { STORE_URL: postgres.url };
  },
  dynamodb: async () => {
    const dynamo = await startDynamo();
    onTestFinished(() => dynamo.close());
    return { STORE_URL: 'dynamodb://operator', ...awsEnvironment({ DYNAMODB: dynamo.endpoint }) };
  },
};
