/** How old the dead letters are: what operators are alarmed by. */
import { describe, expect, test } from 'vitest';
import { DEAD } from '../../../shared/messaging/dead-letters.ts';
import { gaugeQueue, heldBy } from '../../../shared/messaging/measures.ts';
import { sharedRabbitmq } from '../../engines/shared-rabbitmq.ts';
import { probePlatform } from '../rig.ts';
import { empty, envelope, observer, rabbitRig, until } from './rig.ts';

const HOUR = 3_600_000;

describe.each(['classic', 'quorum'] as const)('the dead letters of a %s queue', (queue_type) => {
  test('are as old as the oldest of them, and stay where they are however often one asks', async () => {
    const url = await sharedRabbitmq();
    const rig = await rabbitRig(url, probePlatform(), { queue_type });
    const seen = await observer(url);
    await until(() => rig.broker.connected(), 'the connections');
    const { broker, clock } = rig;
    const start = clock.now();
    let age: number | undefined;
    const held = heldBy(broker, clock);
    const gauge = (_: string, __: object, value: number) => {
      age = value;
    };
    const ports = { ...rig.host.ports, metrics: { ...rig.host.ports.metrics, gauge } };
    const ask = async (): Promise<number | undefined> => {
      await gaugeQueue(ports, DEAD, await held(DEAD));
      return age;
    };
    const park = async (id: string, at: number): Promise<void> => {
      const content = Buffer.from(JSON.stringify(envelope({ message_id: id })));
      const letter = { attempts: 6, reason: 'a test', from: 'q', parked_at: new Date(at).toISOString() };
      const { messageCount: before } = await seen.channel.checkQueue(DEAD);
      await broker.park({ content, properties: {} }, letter);
      await until(async () => (await seen.channel.checkQueue(DEAD)).messageCount > before, 'the letter');
    };

    expect(await ask()).toBe(0);
    await park('first', start - 2 * HOUR);
    await park('second', start - HOUR);
    await ask();
    clock.pass(30_000);
    // a quorum queue drops what is given back twenty times, so there it counts from when it was seen
    for (let n = 0; n < 30; n++) expect(await ask()).toBe(queue_type === 'classic' ? 7_230 : 30);
    const first = await seen.channel.get(DEAD, { noAck: true });
    expect(JSON.parse((first as { content: Buffer }).content.toString()).message_id).toBe('first');
    if (queue_type === 'classic') expect(await ask()).toBe(3_630);
    // what was looked at comes back after the answer
    await until(async () => (await seen.channel.checkQueue(DEAD)).messageCount === 1, 'the second letter');
    expect(await empty(seen.channel, DEAD)).toHaveLength(1);
    await until(async () => (await ask()) === 0, 'nothing that is old');
    await seen.close();
    await rig.close();
  }, 120_000);
});
