/** The store's promises on DynamoDB, as far as an emulator of it can show them. */
import { afterAll, beforeAll } from 'vitest';
import { type LocalDynamo, startDynamo } from '../engines/dynamodb.ts';
import { dynamodbHarness } from './store-dynamodb.ts';
import { storeContract } from './store-suite.ts';

let dynamo: LocalDynamo;
beforeAll(async () => {
  dynamo = await startDynamo({ durable: true });
});
afterAll(() => dynamo.close());

storeContract('dynamodb', async () => dynamodbHarness(dynamo, 'contract'), {
  reopens: true,
  freesClaims: 7_000,
  goesAway: 'wholly',
});
