/** How far back both sides of the bridge can be compared, and what is compared. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { carry, stamped } from '../../functions/bridge/carry.ts';
import { bridge, bridgeCollections } from '../../functions/bridge/index.ts';
import { COMPARABLE_MS } from '../../functions/bridge/records.ts';
import { linesOf, reconcile } from '../../shared/messaging/bridge/reconcile.ts';
import { envelope } from '../messaging/rabbitmq/rig.ts';
import { openRig, type Rig } from '../messaging/rig.ts';

const KEY = 'user.events.login';
let rig: Rig;
beforeEach(async () => {
  rig = await openRig({ platform: [bridge], collections: bridgeCollections });
  Object.assign(rig.host.ports, { crossing: { publish: async () => {} } });
});
afterEach(() => rig.close());

const compared = () => {
  const now = rig.clock.now();
  return reconcile(rig.store, { from: now - COMPARABLE_MS, to: now + 1, now });
};

/** Carries an event, and has the other side see it later. */
const carryAcross = async (later_ms: number): Promise<void> => {
  const event = envelope();
  await rig.run(carry, { side: 'rabbitmq', envelope: event, routing_key: KEY, priority: 0 });
  rig.clock.pass(later_ms);
  const arrived = stamped(event, 'rabbitmq');
  await rig.run(carry, { side: 'eventbridge', envelope: arrived, routing_key: KEY, priority: 0 });
};

test('an event that both sides saw is whole as far back as they can be compared', async () => {
  await carryAcross(1_000);
  rig.clock.pass(COMPARABLE_MS - 500);
  expect(await compared()).toMatchObject({ seen: { rabbitmq: 0, eventbridge: 1 }, missing: [] });
});

test('an event that waited days for the other side is whole, too', async () => {
  await carryAcross(13 * 86_400_000);
  rig.clock.pass(COMPARABLE_MS - 500);
  expect((await compared()).missing).toEqual([]);
});

test('the result says what it compares, and where to look for what the bridge never took', async () => {
  const [first] = linesOf(await compared());
  expect(first).toMatch(/^compared: what the bridge took .* not what it never got: .*"dlq list".*"topology diff"/);
});
