import { afterAll } from 'vitest';
import { type LocalDynamo, startDynamo } from '../engines/dynamodb.ts';
import { runMatrix } from './matrix.ts';

let dynamo: LocalDynamo | undefined;
afterAll(() => dynamo?.close());

runMatrix('DynamoDB', async () => {
  dynamo = await startDynamo();
  // read by the SDK itself
  process.env.AWS_ENDPOINT_URL_DYNAMODB = dynamo.endpoint;
  process.env.AWS_REGION = 'eu-central-1';
  process.env.AWS_ACCESS_KEY_ID = 'local';
  process.env.AWS_SECRET_ACCESS_KEY = 'local';
  return { STORE_URL: 'dynamodb://perfect21-e2e' };
});
