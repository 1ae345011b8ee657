/** The tables of a DynamoDB as one file: their keys and lists, and the items as DynamoDB has them. */
import { DynamoDB, type TableDescription } from '@aws-sdk/client-dynamodb';
import { localOptions } from '../engines/dynamodb.ts';

type Snapshot = Record<string, { table: TableDescription; items: Record<string, any>[] }>;

export const takeDynamo = async (endpoint: string): Promise<string> => {
  const client = new DynamoDB(localOptions(endpoint));
  const snapshot: Snapshot = {};
  for (let start: string | undefined, more = true; more; more = start !== undefined) {
    const { TableNames = [], LastEvaluatedTableName } = await client.listTables({ ExclusiveStartTableName: start });
    start = LastEvaluatedTableName;
    for (const TableName of TableNames) {
      const { Table } = await client.describeTable({ TableName });
      const { Items = [] } = await client.scan({ TableName });
      snapshot[TableName] = { table: Table!, items: Items };
    }
  }
  client.destroy();
  return JSON.stringify(snapshot);
};

/** Into an empty one. */
export const putDynamo = async (endpoint: string, text: string): Promise<void> => {
  const client = new DynamoDB(localOptions(endpoint));
  for (const [TableName, { table, items }] of Object.entries(JSON.parse(text) as Snapshot)) {
    const GlobalSecondaryIndexes = table.GlobalSecondaryIndexes?.map(({ IndexName, KeySchema, Projection }) => ({
      ...{ IndexName, KeySchema, Projection },
    }));
    await client.createTable({
      ...{ TableName, KeySchema: table.KeySchema, AttributeDefinitions: table.AttributeDefinitions },
      BillingMode: 'PAY_PER_REQUEST',
      ...(GlobalSecondaryIndexes?.length && { GlobalSecondaryIndexes }),
    });
    for (const Item of items) await client.putItem({ TableName, Item });
  }
  client.destroy();
};
