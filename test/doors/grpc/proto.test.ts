import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { buf, generate } from '../../../infra/generate/proto.ts';
import { methodsOf } from '../../../shared/doors/grpc/descriptors.ts';
import { METHODS } from '../../../shared/grpc/message.ts';

const ROOT = new URL('../../../', import.meta.url);

test('proto/gen/ is what the generator makes of proto/', async () => {
  for (const { path, content } of await generate()) {
    const committed = await readFile(new URL(path, ROOT));
    expect(committed.equals(Buffer.from(content as string)), path).toBe(true);
  }
}, 30_000);

test('the methods that operations can answer are those of the descriptors', async () => {
  const described = methodsOf(await readFile(new URL('proto/gen/descriptors.binpb', ROOT)));
  const ours = described.filter((method) => /^(envoy|perfect21)\./.test(method));
  expect([...METHODS.keys()].sort()).toEqual(ours.sort());
});

test('the proto files obey the lint rules and their formatting', async () => {
  await buf('lint', 'proto');
  await buf('format', 'proto', '--diff', '--exit-code');
}, 30_000);

test('the proto files break nothing that was promised in the baseline', async () => {
  await buf('breaking', 'proto', '--against', 'proto/baseline.binpb');
}, 30_000);
