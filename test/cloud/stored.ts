/** Bytes that the tables of a stack hold, as DynamoDB counts them: names and values, and once more in each index. */
import type { AwsClient } from '../../shared/aws/client.ts';

type Value = Record<string, any>;

const bytesOf = (value: Value): number => {
  const [[type, held]] = Object.entries(value) as [[string, any]];
  if (type === 'S' || type === 'N' || type === 'B') return Buffer.byteLength(held);
  if (type === 'M')
    return 3 + Object.entries<Value>(held).reduce((sum, [name, each]) => sum + name.length + bytesOf(each), 0);
  if (type === 'L') return 3 + held.reduce((sum: number, each: Value) => sum + 1 + bytesOf(each), 0);
  return 1;
};

/** What DynamoDB adds to each row and to each of its entries in an index. */
const OVERHEAD = 100;

/** @param tables by name, with the attribute that says whether a row is in an index, for each of its indexes */
export const bytesStored = async (
  client: AwsClient,
  tables: ReadonlyMap<string, readonly string[]>,
): Promise<number> => {
  let sum = 0;
  for (const [TableName, indexes] of tables) {
    let ExclusiveStartKey: object | undefined;
    do {
      const { Items, LastEvaluatedKey } = await client.call('Scan', { TableName, ExclusiveStartKey });
      for (const item of Items as Record<string, Value>[]) {
        const size = OVERHEAD + bytesOf({ M: item });
        sum += size * (1 + indexes.filter((hash) => hash in item).length);
      }
      ExclusiveStartKey = LastEvaluatedKey;
    } while (ExclusiveStartKey);
  }
  return sum;
};
