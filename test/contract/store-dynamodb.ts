/** Places for data on the emulator of DynamoDB. */
import { dynamodbStore } from '../../shared/store/dynamodb/adapter.ts';
import type { LocalDynamo } from '../engines/dynamodb.ts';
import { configFor, type Harness } from './store-harness.ts';

let made = 0;

/** A place with tables of its own. */
export const dynamodbHarness = (dynamo: LocalDynamo, name: string): Harness => ({
  adapter: (schema) => dynamodbStore(schema, dynamo.options),
  config: configFor(`dynamodb://${name}-${++made}`),
  env: {
    AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  },
  away: dynamo.stop,
  back: dynamo.start,
  close: async () => undefined,
});
