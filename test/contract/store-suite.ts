/**
 * The promises of shared/ports/store.ts as tests: one suite, run by every engine.
 *
 * @example storeContract('sqlite', freshFile, { reopens: true, freesClaims: 0, goesAway: 'wholly' });
 */
import { afterEach, beforeEach, describe } from 'vitest';
import type { Opened } from '../../shared/kit/adapter.ts';
import type { Store } from '../../shared/ports/store.ts';
import type { StoreSchema } from '../../shared/store/schema.ts';
import { expiry } from './store-expiry.ts';
import { type Abilities, type FakePorts, fakePorts, type Harness, schema as today } from './store-harness.ts';
import { lifetime } from './store-lifetime.ts';
import { messages } from './store-messages.ts';
import { model } from './store-model.ts';
import { order } from './store-order.ts';
import { owners } from './store-owners.ts';
import { queries } from './store-queries.ts';
import { races } from './store-races.ts';
import { records } from './store-records.ts';

/** One test's place for data. `open` opens one more instance on it, as another process would. */
export interface Rig {
  open(schema?: StoreSchema): Promise<Store>;
  closeAll(): Promise<void>;
  ports: FakePorts;
  clock: FakePorts['clock'];
  harness: Harness;
}

const rigOf = async (openFresh: () => Promise<Harness>): Promise<Rig> => {
  const harness = await openFresh();
  const ports = fakePorts();
  const opened: Opened<Store>[] = [];
  return {
    harness,
    ports,
    clock: ports.clock,
    open: async (schema = today) => {
      const store = await harness.adapter(schema).open(ports, harness.config);
      opened.push(store);
      return store.port;
    },
    closeAll: async () => {
      for (const { port, close } of opened.splice(0)) await (close ? close() : port.close());
    },
  };
};

const PARTS = { records, expiry, races, queries, messages, owners, order, lifetime, model };

/** Runs the suite on an engine, or some parts of it. `openFresh` gives each test an empty place. */
export const storeContract = (
  name: string,
  openFresh: () => Promise<Harness>,
  abilities: Abilities,
  parts = Object.keys(PARTS) as (keyof typeof PARTS)[],
): void => {
  describe(`the store on ${name}`, () => {
    let rig: Rig;
    beforeEach(async () => {
      rig = await rigOf(openFresh);
    });
    afterEach(async () => {
      await rig.closeAll();
      await rig.harness.close();
    });
    for (const part of parts) PARTS[part](() => rig, abilities);
  });
};
