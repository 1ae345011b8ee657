/** The tables: one for each collection, one for messages, one for the version of the whole. */
import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb';
import type { Collection } from '../../ports/store.ts';
import type { StoreSchema } from '../schema.ts';
import { hashOf, sortOf } from './item.ts';

/** Names that stand beside the collections; no collection may be called so. */
export const MESSAGES = 'messages';
export const META = 'meta';

/** A table as `CreateTable` takes it, and with its expiry as CloudFormation's AWS::DynamoDB::Table does. */
export type TableDefinition = CreateTableCommandInput & {
  TableName: string;
  TimeToLiveSpecification?: { AttributeName: string; Enabled: boolean };
};

export const tableName = (prefix: string, name: string): string => `${prefix}-${name}`;

const text = (name: string) => ({ AttributeName: name, AttributeType: 'S' as const });

/** An index as `CreateTable` and `UpdateTable` take it, and its attributes. */
export const indexDefinition = (index: string) => ({
  attributes: [text(hashOf(index)), text(sortOf(index))],
  index: {
    IndexName: index,
    KeySchema: [
      { AttributeName: hashOf(index), KeyType: 'HASH' as const },
      { AttributeName: sortOf(index), KeyType: 'RANGE' as const },
    ],
    Projection: { ProjectionType: 'ALL' as const },
  },
});

const collectionTable = (prefix: string, { name, indexes }: Collection<string, any>): TableDefinition => {
  const definitions = Object.keys(indexes).map(indexDefinition);
  return {
    TableName: tableName(prefix, name),
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [text('id'), ...definitions.flatMap(({ attributes }) => attributes)],
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    ...(definitions.length && { GlobalSecondaryIndexes: definitions.map(({ index }) => index) }),
    TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
  };
};

/**
 * All tables of a platform; pure, so that the infrastructure generator turns it into CloudFormation.
 *
 * @throws Error for a collection or index that DynamoDB can't name
 */
export const tableDefinitions = (prefix: string, { collections }: StoreSchema): TableDefinition[] => {
  for (const { name, indexes } of collections) {
    if (name === MESSAGES || name === META) throw new Error(`a collection can't be called ${name}`);
    const short = Object.keys(indexes).find((index) => index.length < 3);
    if (short) throw new Error(`index ${short} of ${name}: DynamoDB wants names of at least 3 letters`);
  }
  return [
    ...collections.map((collection) => collectionTable(prefix, collection)),
    {
      TableName: tableName(prefix, MESSAGES),
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [text('queue'), text('id')],
      KeySchema: [
        { AttributeName: 'queue', KeyType: 'HASH' },
        { AttributeName: 'id', KeyType: 'RANGE' },
      ],
    },
    {
      TableName: tableName(prefix, META),
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [text('id')],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    },
  ];
};
