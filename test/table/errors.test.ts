import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { platform as services } from '../../functions/index.ts';
import { uncoveredErrors } from '../../infra/checks/errors.ts';
import { callLocal, type Host } from '../../shared/kit/invoke.ts';
import { type Store, WriteConflict } from '../../shared/ports/store.ts';
import { localDoor } from '../e2e/doors/local.ts';
import { ERASED, errorCases } from './errors.ts';
import { openRig, type Rig } from './rig.ts';
import { samples } from './samples/index.ts';

const operations = services.flatMap(({ operations: all }) => all);

const hostWith = (host: Host, store: Store): Host => {
  const other: Host = {
    ports: { ...host.ports, store },
    call: (callee, input, context) => callLocal(other, callee, input, context),
  };
  return other;
};

/** A host in which somebody else is always first to write. */
const contended = (host: Host): Host =>
  hostWith(host, {
    ...host.ports.store,
    transact: async (writes) => {
      throw new WriteConflict(writes.length - 1);
    },
  });

/** A host in which the account was erased between the credential and the operation. */
const erased = (host: Host): Host =>
  hostWith(host, {
    ...host.ports.store,
    get: async (collection, id) => (collection.name === 'users' ? undefined : host.ports.store.get(collection, id)),
  });

describe('every declared error', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig();
  }, 60_000);
  afterAll(() => rig?.close());

  test('has a case, and no case is left of one that is declared no more', async () => {
    expect(await uncoveredErrors()).toEqual([]);
  });

  for (const op of operations) {
    for (const code of op.errors) {
      const name = `${op.name} ${code}`;
      if (!errorCases[name] || code === 'conflict') continue;
      test(`${op.name} answers ${code}`, async () => {
        const { input, token } = await errorCases[name]!(rig.world);
        expect((await rig.world.call(op, input, { token })).code).toBe(code);
      });
    }
    if (ERASED.includes(op.name)) {
      test(`${op.name} answers not_found where the account was erased meanwhile`, async () => {
        const { input, token } = await samples[op.name]!(rig.world);
        expect((await localDoor(erased(rig.platform.host)).call(op, input, { token })).code).toBe('not_found');
      });
    }
    if (!op.errors.includes('conflict')) continue;
    test(`${op.name} answers conflict where somebody else is always first to write`, async () => {
      const sample = errorCases[`${op.name} conflict`] ?? samples[op.name]!;
      const { input, token } = await sample(rig.world);
      const outcome = await localDoor(contended(rig.platform.host)).call(op, input, { token });
      expect(outcome.code).toBe('conflict');
    });
  }
});
