/** The store's promises on DynamoDB, as far as an emulator of it can show them. */
import { afterAll, beforeAll } from 'vitest';
import { dynamodbStore } from '../../shared/store/dynamodb/adapter.ts';
import { type LocalDynamo, startDynamo } from '../engines/dynamodb.ts';
import { configFor } from './store-harness.ts';
import { storeContract } from './store-suite.ts';

let dynamo: LocalDynamo;
let places = 0;
beforeAll(async () => {
  dynamo = await startDynamo();
});
afterAll(() => dynamo.close());

storeContract(
  'dynamodb',
  async () => {
    places += 1;
    return {
      adapter: (schema) => dynamodbStore(schema, dynamo.options),
      config: configFor(`dynamodb://contract-${places}`),
      env: {
        AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint,
        AWS_REGION: 'eu-central-1',
        AWS_ACCESS_KEY_ID: 'local',
        AWS_SECRET_ACCESS_KEY: 'local',
      },
      away: dynamo.stop,
      back: dynamo.start,
      close: async () => undefined,
    };
  },
  { reopens: true, freesClaims: 7_000, goesAway: 'wholly' },
);
