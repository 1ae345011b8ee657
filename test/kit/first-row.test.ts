import { expect, test } from 'vitest';
import * as z from 'zod';
import { ANONYMOUS } from '../../shared/kit/context.ts';
import { invoke } from '../../shared/kit/invoke.ts';
import { operation } from '../../shared/kit/operation.ts';
import { stream } from '../../shared/kit/stream.ts';
import { continueTrace } from '../../shared/kit/trace.ts';
import { exposition } from '../../shared/system/metrics.ts';
import { fakeHost } from '../doors/http/harness.ts';

const Row = z.object({ n: z.int() });
const common = { summary: 'Rows', access: 'public', output: stream(Row) } as const;
const counting = operation({
  ...common,
  name: 'demo.count',
  input: z.object({ to: z.int() }),
  run: async function* (_, { to }) {
    for (let n = 1; n <= to; n += 1) yield { n };
  },
});
const doubling = operation({
  ...common,
  name: 'demo.double',
  input: stream(Row),
  run: async function* (_, rows) {
    for await (const { n } of rows) yield { n: 2 * n };
  },
});

test('the time to the first row is told once a call, and not where a caller sends rows of its own', async () => {
  const { host, metrics } = fakeHost();
  const context = { request_id: 'r', trace: continueTrace(), caller: ANONYMOUS, client: {}, door: 'local' } as const;
  const own = async function* () {
    yield { n: 1 };
  };
  for (const rows of [
    await invoke(host, counting, { to: 3 }, context),
    await invoke(host, counting, { to: 0 }, context),
    await invoke(host, doubling, { rows: own() }, context),
  ]) {
    for await (const _ of rows);
  }
  const { body } = await exposition(metrics);
  const told = body.split('\n').filter((line) => line.startsWith('perfect21_first_row_seconds_count'));
  expect(told).toEqual(['perfect21_first_row_seconds_count{operation="demo.count"} 1']);
});
