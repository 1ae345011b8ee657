/** The promises of the bus on RabbitMQ: a real broker, which is killed and started again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DEAD } from '../../shared/messaging/dead-letters.ts';
import { openRabbit, type RabbitBroker } from '../../shared/messaging/rabbitmq/bus.ts';
import { EVENTS, HEADER, type RabbitSettings } from '../../shared/messaging/rabbitmq/settings.ts';
import { declare } from '../../shared/messaging/rabbitmq/topology.ts';
import { topologyOf } from '../../shared/messaging/topology.ts';
import { startWorker } from '../../shared/process/worker.ts';
import { startRabbitmq } from '../engines/rabbitmq.ts';
import { majorRelease } from '../engines/rabbitmq-install.ts';
import { startTcpProxy } from '../engines/tcp-proxy.ts';
import { hostOf } from '../messaging/life.ts';
import { empty, observer, until } from '../messaging/rabbitmq/rig.ts';
import { openRig, probeCollections, QUEUE } from '../messaging/rig.ts';
import type { Bench, BusHarness, Letter, Running, Traits } from './bus-harness.ts';
import { busContract } from './bus-suite.ts';

const STEPS = [20, 40, 60, 80, 100];
const CLASSIC: Traits = {
  order: 'within one process unless retried',
  tries: STEPS.length + 1,
  backoff: { steps: STEPS, spread: 0, early: 2, late: 2_000, now: () => performance.now() },
  poison: { notJson: 'not JSON', noEnvelope: 'invalid envelope' },
  priorities: 'all ten',
  full: 'the oldest become dead letters',
  tellsUnroutable: true,
  catchUps: 1,
  held: (prefetch) => prefetch,
  deaths: 3,
  // a death after a step is one before the next: each piece that goes over the wire is a step
  dies: ['before'],
};

const QUORUM: Traits = {
  ...CLASSIC,
  priorities: majorRelease() === '4' ? 'two to one from 5 on' : 'each in its turn',
  full: 'the others wait in the outbox',
  deaths: 2,
};

const harness = (queue_type: RabbitSettings['queue_type']) => async (): Promise<BusHarness> => {
  const server = await startRabbitmq();
  let seen = await observer(server.url);

  const open: BusHarness['open'] = async (platform, limits): Promise<Bench> => {
    const topology = topologyOf(platform);
    const settings: RabbitSettings = { url: server.url, queue_type, retry_steps: STEPS, ...limits };
    await seen.channel.deleteQueue(QUEUE);
    await declare(seen.channel, topology, settings);
    await seen.channel.purgeQueue(DEAD);
    const rig = await openRig({ platform, collections: probeCollections });
    const letters: Letter[] = [];
    const running = new Set<Running>();
    let shared: RabbitBroker | undefined;
    const connected = async (broker: RabbitBroker): Promise<RabbitBroker> => {
      await until(() => broker.connected(), 'the connections');
      return broker;
    };

    const start: Bench['start'] = async ({ life, prefetch, consume, platform: runs = platform } = {}) => {
      const host = life ? hostOf(rig.host, life) : rig.host;
      let armed = false;
      const wire = life && (await startTcpProxy(Number(new URL(server.url).port), () => !armed || life.step()));
      const url = server.url.replace(/:\d+$/, `:${wire?.port}`);
      const own = wire && openRabbit({ ...settings, url }, topology, rig.host.ports);
      shared ??= openRabbit(settings, topology, rig.host.ports);
      const broker = await connected(own ?? shared);
      armed = true;
      life?.onEnd(() => wire!.cut());
      const worker = startWorker(host, runs, { broker, prefetch, consume, ...(life && { grace_ms: 0 }) });
      const process: Running = {
        host,
        drain: worker.drain,
        stop: async () => {
          running.delete(process);
          await worker.stop();
          await own?.close();
          await wire?.close();
        },
      };
      running.add(process);
      return process;
    };

    return {
      rig,
      start,
      inject: async (content) => {
        seen.channel.publish(EVENTS, 'probe.events.noted', Buffer.from(content));
        await seen.channel.checkExchange(EVENTS);
      },
      waiting: async () => (await seen.channel.checkQueue(QUEUE)).messageCount,
      dead: async () => {
        for (const { content, properties } of await empty(seen.channel, DEAD)) {
          const { [HEADER.reason]: ours, 'x-first-death-reason': theirs } = properties.headers ?? {};
          letters.push({ content: content.toString(), reason: ours ?? theirs });
        }
        return letters;
      },
      tick: async () => {
        await sleep(10);
        rig.clock.pass(1_000);
      },
      interrupt: async () => {
        // a quorum queue whose only node is killed in the second in which it was declared comes back "running" and never
        // confirms again (3.10 and 4.0 alike): here queues are that young
        if (queue_type === 'quorum') await sleep(1_500);
        await server.kill();
        await until(() => !shared!.ready(), 'the loss');
      },
      resume: async () => {
        await server.start();
        seen = await observer(server.url);
      },
      ears: async () => server.control('-q', 'list_queues', 'name').match(/amq\.gen/g)?.length ?? 0,
      close: async () => {
        for (const each of [...running]) await each.stop();
        await shared?.close();
        await rig.close();
      },
    };
  };

  return {
    open,
    close: async () => {
      await seen.close().catch(() => {});
      await server.close();
    },
  };
};

busContract('RabbitMQ', CLASSIC, harness('classic'));
busContract('RabbitMQ with quorum queues', QUORUM, harness('quorum'));
