/**
 * What the contract promises of events, as tests: one suite, run by every bus.
 *
 * @example busContract('RabbitMQ', () => rabbitHarness());
 */
import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import type { Service } from '../../shared/kit/service.ts';
import type { QueueLimits } from '../../shared/messaging/topology.ts';
import { probePlatform } from '../messaging/rig.ts';
import { broadcasts } from './bus-broadcasts.ts';
import { crashes } from './bus-crashes.ts';
import { delivery } from './bus-delivery.ts';
import { failures } from './bus-failures.ts';
import type { Bench, BusHarness, Traits } from './bus-harness.ts';

export interface Given {
  traits: Traits;
  /** A fresh bench, which is closed after the test. */
  open(platform?: readonly Service[], limits?: QueueLimits): Promise<Bench>;
}

/** Runs the suite on a bus. */
export const busContract = (name: string, traits: Traits, start: () => Promise<BusHarness>): void => {
  describe(`the bus on ${name}`, () => {
    let harness: BusHarness;
    const benches: Bench[] = [];
    beforeAll(async () => {
      harness = await start();
    }, 120_000);
    afterEach(async () => {
      for (const bench of benches.splice(0)) await bench.close();
    });
    afterAll(() => harness?.close());
    const open: Given['open'] = async (platform = probePlatform(), limits) => {
      const bench = await harness.open(platform, limits);
      benches.push(bench);
      return bench;
    };
    delivery({ open, traits });
    failures({ open, traits });
    crashes({ open, traits });
    broadcasts({ open, traits });
  });
};
