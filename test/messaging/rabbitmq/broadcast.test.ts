/** What of broadcasts only RabbitMQ can lose: the connection, and with it the queue. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hearer } from '../../contract/bus-broadcasts.ts';
import { type Rabbitmq, startRabbitmq } from '../../engines/rabbitmq.ts';
import { observer, type RabbitRig, rabbitRig, until } from './rig.ts';

describe('broadcasts over RabbitMQ', () => {
  let server: Rabbitmq;
  const rigs: RabbitRig[] = [];
  beforeAll(async () => {
    server = await startRabbitmq();
  }, 120_000);
  afterAll(async () => {
    for (const rig of rigs) await rig.close();
    await server?.close();
  });
  const process = async (told = hearer()) => {
    const rig = await rabbitRig(server.url, told.platform);
    rigs.push(rig);
    rig.start();
    await until(() => told.all.includes('caught up'), 'its catching up');
    return { rig, told };
  };

  test('after the broker was away a process is told that it missed something, catches up, and hears what follows', async () => {
    const [one, two] = [await process(), await process()];
    await one.rig.note('before');
    await until(() => one.told.texts().length + two.told.texts().length === 2, 'the event at both');
    await server.stop();
    await until(() => one.told.all.at(-1) === 'missed' && two.told.all.at(-1) === 'missed', 'the news');
    await server.start();
    await until(
      () => one.told.all.at(-1) === 'caught up' && two.told.all.at(-1) === 'caught up',
      'their catching up',
      30_000,
    );
    await one.rig.note('after');
    await until(() => one.told.texts().length + two.told.texts().length === 4, 'the event at both');
    const all = ['missed', 'caught up', 'before', 'missed', 'caught up', 'after'];
    expect([one.told.all, two.told.all]).toEqual([all, all]);
  }, 60_000);

  test('a queue that is taken away comes back, and what may be missing is caught up on', async () => {
    const { told } = await process();
    const seen = await observer(server.url);
    const before = told.all.length;
    for (const connection of server.control('-q', 'list_connections', 'pid', 'client_properties').split('\n')) {
      const [pid = ''] = connection.split('\t');
      if (connection.includes('perfect21 consume')) server.control('close_connection', pid, 'for a test');
    }
    await until(() => told.all.slice(before).join() === 'missed,caught up', 'its catching up', 20_000);
    await seen.close();
  }, 60_000);
});
