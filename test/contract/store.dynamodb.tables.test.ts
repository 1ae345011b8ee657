/** The tables on DynamoDB: how they are laid out, who may use them, and who makes and reshapes them. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { AwsOptions } from '../../shared/aws/settings.ts';
import { StartError } from '../../shared/config/start-error.ts';
import { collection, insert } from '../../shared/ports/store.ts';
import { statements } from '../../shared/store/dynamodb/access.ts';
import { dynamodbStore } from '../../shared/store/dynamodb/adapter.ts';
import { sortFrom, sortKey, sortValue } from '../../shared/store/dynamodb/item.ts';
import { connect } from '../../shared/store/dynamodb/link.ts';
import { tableDefinitions } from '../../shared/store/dynamodb/tables.ts';
import type { StoreSchema } from '../../shared/store/schema.ts';
import { type LocalDynamo, startDynamo } from '../engines/dynamodb.ts';
import { type FaultyDynamo, faultyDynamo } from '../engines/faulty-dynamo.ts';
import { awsEnvironment } from '../support/aws.ts';
import { configFor, fakePorts, message, people, person, schema, walk } from './store-harness.ts';

describe('the layout', () => {
  test('is one table for each collection with an index for each list, one for messages, one for the version', () => {
    const tables = tableDefinitions('p21', schema);
    expect(tables.map(({ TableName }) => TableName)).toEqual([
      'p21-people',
      'p21-notes',
      'p21-hits',
      'p21-crew',
      'p21-messages',
      'p21-meta',
    ]);
    expect(tables[0]).toMatchObject({
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
      GlobalSecondaryIndexes: [{ IndexName: 'by_email' }, { IndexName: 'by_city' }],
    });
    for (const { AttributeDefinitions, KeySchema, GlobalSecondaryIndexes = [] } of tables) {
      const used = [KeySchema, ...GlobalSecondaryIndexes.map((index) => index.KeySchema)].flatMap((keys) =>
        keys!.map(({ AttributeName }) => AttributeName),
      );
      expect(AttributeDefinitions!.map(({ AttributeName }) => AttributeName).sort()).toEqual(used.sort());
    }
  });

  test.each(['messages', 'meta'])('has no room for a collection called %s', (name) => {
    expect(() => tableDefinitions('p21', { version: 1, collections: [collection()(name)] })).toThrow(name);
  });

  test('tells of an index that DynamoDB can not name', () => {
    const short = collection<{ x: string }>()('shorts', { indexes: { x: { hash: ({ x }) => x, sort: () => '' } } });
    expect(() => tableDefinitions('p21', { version: 1, collections: [short] })).toThrow('index x of shorts');
  });

  test('keeps the order of sort values, also of those too long to be a key', () => {
    const long = 'é'.repeat(600);
    for (const [one, two] of [
      ['', 'a'],
      ['a', 'a '],
      ['a', 'b'],
      ['z', 'é'],
      ['a', long],
      [`${long}a`, `${'é'.repeat(500)}z`],
    ] as const) {
      const [first, second] = [Buffer.from(sortKey(one, 'zz')), Buffer.from(sortKey(two, 'aa'))];
      expect(Math.max(first.length, second.length)).toBeLessThanOrEqual(1024);
      expect(Buffer.compare(first, second)).toBe(Buffer.compare(Buffer.from(one), Buffer.from(two)));
      expect(Buffer.compare(first, Buffer.from(sortFrom(one) ?? ''))).toBe(one === `${long}a` ? 0 : 1);
    }
    expect(sortValue(sortKey('a', 'b'))).toBe('a');
  });
});

describe('the rights', () => {
  test('are those of the declared reads, writes and events, and no more', () => {
    const given = statements({
      reads: ['users', 'sessions'],
      writes: ['sessions', 'tries'],
      counts: ['tries', 'other'],
      queries: ['users.by_status'],
      messages: 'enqueue',
    });
    expect(given).toEqual([
      { actions: ['dynamodb:GetItem'], resources: ['meta'] },
      { actions: ['dynamodb:GetItem', 'dynamodb:BatchGetItem'], resources: ['sessions', 'users'] },
      { actions: ['dynamodb:Query'], resources: ['users/index/by_status'] },
      {
        actions: ['dynamodb:PutItem', 'dynamodb:DeleteItem', 'dynamodb:ConditionCheckItem'],
        resources: ['sessions'],
      },
      { actions: ['dynamodb:PutItem', 'dynamodb:UpdateItem'], resources: ['tries'] },
      { actions: ['dynamodb:UpdateItem'], resources: ['messages'] },
    ]);
    expect(statements({})).toEqual([{ actions: ['dynamodb:GetItem'], resources: ['meta'] }]);
    const [, worker] = statements({ messages: 'consume' });
    expect(worker?.actions).toContain('dynamodb:Query');
  });
});

describe('opening', () => {
  let dynamo: LocalDynamo;
  /** Not at a local address, as AWS. */
  let remote: FaultyDynamo;
  const ports = fakePorts();
  const environment = { ...process.env };
  beforeAll(async () => {
    dynamo = await startDynamo();
    remote = await faultyDynamo(dynamo.endpoint, '127.0.0.2');
  });
  afterAll(async () => {
    await remote.close();
    await dynamo.close();
  });
  afterEach(() => {
    remote.fault = () => undefined;
    process.env = { ...environment };
  });
  const open = (prefix: string, options: AwsOptions = dynamo.options, asked: StoreSchema = schema) =>
    dynamodbStore(asked, options).open(ports, configFor(`dynamodb://${prefix}`));
  const risen: StoreSchema = {
    version: 2,
    collections: [
      collection<{ email: string; full: string; city?: string }>()('people', {
        indexes: { by_full: { hash: ({ full }) => full, sort: () => '' } },
        migrate: [({ name, ...rest }) => ({ ...rest, full: name })],
      }),
    ],
  };
  /** Functions may not write to the table of versions. */
  const asFunction = () => {
    remote.fault = (operation, { TableName }) =>
      operation === 'PutItem' && `${TableName}`.endsWith('-meta') ? 'denied' : undefined;
  };

  test('takes endpoint, region and credentials from the environment', async () => {
    Object.assign(process.env, awsEnvironment({ DYNAMODB: dynamo.endpoint }));
    const { port } = await open('environment', {});
    await port.ping();
    await port.close();
  });

  test('is not ready where it may read only, and writes nothing to find out', async () => {
    // tables are made where it looks local only
    await (await open('pinged')).port.close();
    const { port } = await open('pinged', remote.options);
    await port.ping();
    const link = connect('pinged', ports, dynamo.options);
    expect((await link.db.scan({ TableName: link.table('meta') })).Items!.map(({ id }) => id)).toEqual(['schema']);
    link.close();
    remote.fault = (operation) => (operation === 'GetItem' ? undefined : 'denied');
    await expect(port.ping()).rejects.toThrow();
    await port.close();
  });

  test('says in one line which of them is missing', async () => {
    const { endpoint } = dynamo.options;
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
    Object.assign(process.env, { AWS_EC2_METADATA_DISABLED: 'true', HOME: '/nonexistent' });
    await expect(open('nowhere', { endpoint })).rejects.toThrow(/^AWS_REGION is missing/);
    await expect(open('nowhere', { endpoint, region: 'eu-central-1' })).rejects.toThrow(/^No AWS credentials/);
    await expect(open('nowhere', { endpoint })).rejects.toBeInstanceOf(StartError);
  });

  test('makes no tables in AWS, and says that the stack is not there', async () => {
    remote.seen.length = 0;
    await expect(open('absent', remote.options)).rejects.toThrow(/no tables absent-… .*deploy the stack/);
    expect(remote.seen).toEqual(['GetItem']);
  });

  test('needs one look where the shape is as it should be', async () => {
    await (await open('settled')).port.close();
    remote.seen.length = 0;
    await (await open('settled', remote.options)).port.close();
    expect(remote.seen).toEqual(['GetItem']);
  });

  test('goes on without the right to reshape when nothing is known, and stops when the data is older', async () => {
    const { port } = await open('lambda');
    await port.transact([insert(people, 'a', person('ann'))]);
    asFunction();
    await expect(open('lambda', remote.options, risen)).rejects.toThrow(/older release \(schema version 1\)/);
    await (await open('lambda', dynamo.options, risen)).port.close();
    const lifted = (await open('lambda', remote.options, risen)).port;
    expect(await walk(lifted, risen.collections[0]!, 'by_full', 'ann')).toEqual(['a']);
    await Promise.all([port.close(), lifted.close()]);
  });

  test('a migration that was cut off is taken up where it stopped', async () => {
    const { port } = await open('cut-off');
    await port.transact(Array.from({ length: 40 }, (_, n) => insert(people, `p${n}`, person('ann'))));
    const before = (await port.get(people, 'p1'))!.version;
    let rewritten = 0;
    remote.fault = (operation, { TableName }) => {
      if (operation !== 'PutItem' || TableName !== 'cut-off-people') return undefined;
      rewritten += 1;
      return rewritten > 20 ? 'denied' : undefined;
    };
    await expect(open('cut-off', remote.options, risen)).rejects.toThrow();
    expect((await port.get(people, 'p39'))?.value).toBeDefined();
    const lifted = (await open('cut-off', dynamo.options, risen)).port;
    expect(await walk(lifted, risen.collections[0]!, 'by_full', 'ann')).toHaveLength(40);
    expect((await lifted.get(risen.collections[0]!, 'p1'))?.version).toBe(before);
    await Promise.all([port.close(), lifted.close()]);
  });

  test('more blocked messages than are looked at together do not hide those behind', async () => {
    const { port } = await open('blocked');
    const at = ports.clock.now();
    for (let n = 0; n < 6; n += 1) {
      const enqueue = Array.from({ length: 50 }, () => message({ at: at + 1000, order_key: 'u' }));
      await port.transact([], { enqueue });
    }
    const free = message({ at });
    await port.transact([], { enqueue: [free] });
    expect((await port.messages.claim('q', { limit: 1, lease_ms: 1000 })).map(({ id }) => id)).toEqual([free.id]);
    expect((await port.messages.depth('q')).count).toBe(301);
    await port.close();
  });
});
