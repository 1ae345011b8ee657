/** The stream of a table on a local DynamoDB, read as Lambda reads it. */
import { DynamoDBClient, UpdateTableCommand } from '@aws-sdk/client-dynamodb';
import { type LocalDynamo, localOptions } from './dynamodb.ts';

export interface StreamRecord {
  eventName: 'INSERT' | 'MODIFY' | 'REMOVE';
  dynamodb: { Keys: Record<string, { S: string }> };
}

/** Dynoxide asks for a signature and does not check it. */
const HEADERS = {
  'content-type': 'application/x-amz-json-1.0',
  'x-amz-date': '20260101T000000Z',
  authorization:
    'AWS4-HMAC-SHA256 Credential=local/20260101/eu-central-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
};

/** Switches the stream of a table on. `read` gives what was recorded since the last call. */
export const streamOf = async (dynamo: LocalDynamo, table: string, view: 'KEYS_ONLY') => {
  const client = new DynamoDBClient(localOptions(dynamo.endpoint));
  const StreamSpecification = { StreamEnabled: true, StreamViewType: view };
  const { TableDescription } = await client.send(new UpdateTableCommand({ TableName: table, StreamSpecification }));
  client.destroy();
  const StreamArn = TableDescription!.LatestStreamArn!;

  const call = async (name: string, body: object): Promise<any> => {
    const headers = { ...HEADERS, 'x-amz-target': `DynamoDBStreams_20120810.${name}` };
    const response = await fetch(dynamo.endpoint, { method: 'POST', headers, body: JSON.stringify(body) });
    const answer: any = await response.json();
    if (!response.ok) throw new Error(`${name}: ${JSON.stringify(answer)}`);
    return answer;
  };
  const [shard] = (await call('DescribeStream', { StreamArn })).StreamDescription.Shards;
  const start = { StreamArn, ShardId: shard.ShardId, ShardIteratorType: 'TRIM_HORIZON' };
  let { ShardIterator } = await call('GetShardIterator', start);
  return {
    read: async (): Promise<StreamRecord[]> => {
      const { Records, NextShardIterator } = await call('GetRecords', { ShardIterator });
      ShardIterator = NextShardIterator;
      return Records;
    },
  };
};
