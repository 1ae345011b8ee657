/** Makes tables where no stack does, and waits for what is being made. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TableDescription } from '@aws-sdk/client-dynamodb';
import type { AwsClient } from '../../aws/client.ts';
import type { StoreSchema } from '../schema.ts';
import { parallel } from './parallel.ts';
import { tableDefinitions } from './tables.ts';

/** Resolves with the description once table and indexes can be used. `meanwhile` is done as long as they can't. */
export const whenActive = async (
  client: AwsClient,
  table: string,
  meanwhile?: () => Promise<void>,
): Promise<TableDescription> => {
  for (;;) {
    const { Table }: { Table?: TableDescription } = await client.call('DescribeTable', { TableName: table });
    const states = [Table?.TableStatus, ...(Table?.GlobalSecondaryIndexes ?? []).map(({ IndexStatus }) => IndexStatus)];
    if (states.every((state) => state === 'ACTIVE')) return Table!;
    await meanwhile?.();
    await sleep(500);
  }
};

/** Makes the tables that do not exist yet. For local endpoints: in AWS the stack makes them. */
export const ensureTables = async (client: AwsClient, prefix: string, schema: StoreSchema): Promise<void> => {
  await parallel(tableDefinitions(prefix, schema), 8, async ({ TimeToLiveSpecification, ...table }) => {
    try {
      await client.call('CreateTable', table);
    } catch (error) {
      if ((error as Error).name !== 'ResourceInUseException') throw error;
      await whenActive(client, table.TableName);
      return;
    }
    await whenActive(client, table.TableName);
    if (!TimeToLiveSpecification) return;
    await client.call('UpdateTimeToLive', { TableName: table.TableName, TimeToLiveSpecification });
  });
};
