/** DynamoDB's operations on items as JavaScript values, with the names and inputs of AWS's document client. */
import type * as lib from '@aws-sdk/lib-dynamodb';
import type { AwsClient } from '../../aws/client.ts';

export interface Db {
  get(input: lib.GetCommandInput): Promise<lib.GetCommandOutput>;
  batchGet(input: lib.BatchGetCommandInput): Promise<lib.BatchGetCommandOutput>;
  query(input: lib.QueryCommandInput): Promise<lib.QueryCommandOutput>;
  scan(input: lib.ScanCommandInput): Promise<lib.ScanCommandOutput>;
  put(input: lib.PutCommandInput): Promise<lib.PutCommandOutput>;
  update(input: lib.UpdateCommandInput): Promise<lib.UpdateCommandOutput>;
  remove(input: lib.DeleteCommandInput): Promise<lib.DeleteCommandOutput>;
  transactWrite(input: lib.TransactWriteCommandInput): Promise<lib.TransactWriteCommandOutput>;
}

/** Members that are items or parts of one, each attribute with its type on the wire. */
const ITEMS = ['Key', 'Item', 'Attributes', 'ExclusiveStartKey', 'LastEvaluatedKey', 'ExpressionAttributeValues'];
const WRITES = ['Put', 'Update', 'Delete', 'ConditionCheck'] as const;

type Shape = Record<string, any>;

/** Texts and numbers are all that items are made of (item.ts, message-item.ts). What is undefined is left out. */
const attribute = (name: string, value: unknown): Shape => {
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'number') return { N: String(value) };
  throw new TypeError(`attribute ${name} is neither a text nor a number`);
};
const toWire = (values: Shape): Shape =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, attribute(name, value)]])),
  );
const fromWire = (attributes: Shape): Shape =>
  Object.fromEntries(
    Object.entries<Shape>(attributes).map(([name, { S, N }]) => [name, N === undefined ? S : Number(N)]),
  );

const converted = (input: Shape, convert: (item: Shape) => Shape): Shape => {
  const made: Shape = { ...input };
  for (const name of ITEMS) if (made[name]) made[name] = convert(made[name]);
  return made;
};

/** Asks, with the keys of each table converted. */
const keysOf = (tables: Shape | undefined, convert: (item: Shape) => Shape): Shape =>
  Object.fromEntries(
    Object.entries(tables ?? {}).map(([table, asked]) => [table, { ...asked, Keys: asked.Keys.map(convert) }]),
  );

/** The operations over a client. What AWS refuses is thrown as it came: items in an error keep their types. */
export const documents = (client: AwsClient): Db => {
  const call = (operation: string) => async (input: Shape) => {
    const answer = converted(await client.call(operation, converted(input, toWire)), fromWire);
    if (answer.Items) answer.Items = answer.Items.map(fromWire);
    return answer as any;
  };
  return {
    get: call('GetItem'),
    query: call('Query'),
    scan: call('Scan'),
    put: call('PutItem'),
    update: call('UpdateItem'),
    remove: call('DeleteItem'),
    batchGet: async ({ RequestItems, ...rest }) => {
      const answer = await client.call('BatchGetItem', { ...rest, RequestItems: keysOf(RequestItems, toWire) });
      const found = Object.entries<Shape[]>(answer.Responses ?? {});
      return {
        ...answer,
        Responses: Object.fromEntries(found.map(([table, items]) => [table, items.map(fromWire)])),
        UnprocessedKeys: keysOf(answer.UnprocessedKeys, fromWire),
      };
    },
    transactWrite: async ({ TransactItems = [], ...rest }) => {
      const items = TransactItems.map((item: Shape) =>
        Object.fromEntries(WRITES.flatMap((kind) => (item[kind] ? [[kind, converted(item[kind], toWire)]] : []))),
      );
      return client.call('TransactWriteItems', { ...rest, TransactItems: items });
    },
  };
};
