import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { platform as services } from '../../functions/index.ts';
import { isStream } from '../../shared/kit/stream.ts';
import { undeclared } from './declared.ts';
import { openRig, type Rig } from './rig.ts';
import { samples } from './samples/index.ts';

const operations = services.flatMap(({ operations: all }) => all);

describe('the samples', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig();
  }, 60_000);
  afterAll(() => rig?.close());

  test('are one for each operation, and for no other', () => {
    expect(Object.keys(samples).sort()).toEqual(operations.map(({ name }) => name).sort());
  });

  for (const op of operations) {
    test(`${op.name} succeeds when it is called as it should be, and says no more than it declares`, async () => {
      const { input, token } = await samples[op.name]!(rig.world);
      const { ok, code, errors, body } = await rig.world.call(op, input, { token });
      expect({ ok, code, errors }).toEqual({ ok: true, code: undefined, errors: undefined });
      expect(undeclared(isStream(op.output) ? op.output.row : op.output, body)).toEqual([]);
    });
  }
});
