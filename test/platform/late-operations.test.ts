/** A bundle has the same operations as the sources, and runs none of their modules before it has to. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { runInThisContext } from 'node:vm';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import * as product from '../../functions/index.ts';
import { ROOT } from '../../infra/generate/files.ts';
import { lateOperations } from '../../infra/local/late-operations.ts';
import type { Service } from '../../shared/kit/service.ts';

const bundled = async (): Promise<typeof product> => {
  const folder = join(ROOT, 'functions');
  const { outputFiles } = await build({
    entryPoints: [join(folder, 'index.ts')],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    packages: 'external',
    supported: { 'dynamic-import': false },
    logLevel: 'silent',
    plugins: [lateOperations(folder, (file) => readFileSync(file, 'utf8'))],
  });
  const module = { exports: {} };
  const run = runInThisContext(`(function (module, exports, require) {${outputFiles[0]!.text}\n})`);
  run(module, module.exports, createRequire(join(folder, 'index.ts')));
  return module.exports as typeof product;
};

const operationsOf = ({ platform, beside, inFunctions }: typeof product) =>
  [...platform, ...beside, ...inFunctions].flatMap(({ operations }: Service) => operations);

/** What can be compared of two that were made apart: data, and of all else what it is. */
const outline = (value: unknown, depth = 0): unknown => {
  if (typeof value === 'function') return 'function';
  if (typeof value !== 'object' || value === null) return value;
  const kind = Object.getPrototypeOf(value)?.constructor?.name;
  if (kind !== 'Object' && kind !== 'Array') return kind;
  if (depth === 8) return '…';
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, outline((value as Record<string, unknown>)[key], depth + 1)]),
  );
};

test('operations of a bundle wait for who asks, and are those of the sources', async () => {
  const made = await bundled();
  const waits = (op: object) => Object.getOwnPropertyDescriptor(op, 'run')?.get !== undefined;
  const ops = operationsOf(made);
  expect(ops.filter((op) => !waits(op)).map(({ name }) => name)).toEqual([]);
  const data = ops.map(({ name, access, http, rpc, subscription, calls, reads, needs, takesRows, givesRows }) => ({
    ...{ name, access, needs, takesRows, givesRows },
    http: http.map(({ method, path }) => [method, path]),
    rpc: rpc.map(({ method }) => method),
    heard: [subscription?.bindings, subscription?.types],
    reads: reads.map((each) => each.name),
    calls: Object.values(calls).map((each) => each.name),
  }));
  expect(data).toHaveLength(operationsOf(product).length);
  expect(ops.filter((op) => !waits(op)).map(({ name }) => name)).toEqual([]);
  expect(ops.map((op) => outline(op))).toEqual(operationsOf(product).map((op) => outline(op)));
  expect(ops.filter(waits)).toEqual([]);
});

test('a callee in a bundle is the operation of its service, wherever it is met', async () => {
  const { platform } = await bundled();
  const ops = platform.flatMap(({ operations }) => operations);
  const known: ReadonlySet<unknown> = new Set(ops);
  const callees = new Set(ops.flatMap(({ calls }) => Object.values(calls)));
  expect([...callees].filter((callee) => !known.has(callee)).map(({ name }) => name)).toEqual([]);
});
