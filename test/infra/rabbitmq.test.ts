/** The deployed files of RabbitMQ, in three real nodes of which one dies under load. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, credentials } from 'amqplib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { platform } from '../../functions/index.ts';
import { ROOT } from '../../infra/generate/files.ts';
import { openRabbit, type RabbitBroker } from '../../shared/messaging/rabbitmq/bus.ts';
import { createRabbitFeed, REVOCATIONS } from '../../shared/messaging/rabbitmq/revocations.ts';
import type { RabbitSettings } from '../../shared/messaging/rabbitmq/settings.ts';
import { topologyOf } from '../../shared/messaging/topology.ts';
import { authority } from '../doors/grpc/certificates.ts';
import { type RabbitmqCluster, startRabbitmqCluster } from '../engines/rabbitmq-cluster.ts';
import { envelope, until } from '../messaging/rabbitmq/rig.ts';
import { openRig, probeCollections, type Rig } from '../messaging/rig.ts';
import { folderOf, validate } from './manifests.ts';

const definitions = JSON.parse(readFileSync(join(ROOT, 'infra/rabbitmq/definitions.json'), 'utf8'));
const conf = readFileSync(join(ROOT, 'infra/rabbitmq/rabbitmq.conf'), 'utf8');
const topology = topologyOf(platform);
const QUEUE = 'notification-service.user_events';

let cluster: RabbitmqCluster;
let rig: Rig;
const started = performance.now();
beforeAll(async () => {
  [cluster, rig] = await Promise.all([
    startRabbitmqCluster({
      nodes: 3,
      // replicas come at once instead of within a minute
      settings: { 'quorum_queue.continuous_membership_reconciliation.interval': '1000' },
    }),
    openRig({ platform: [], collections: probeCollections }),
  ]);
}, 120_000);
afterAll(async () => {
  await rig?.close();
  await cluster?.close();
});

const settingsOf = (name: string): RabbitSettings => ({
  url: cluster.url,
  tls: cluster.clientOf(name),
  queue_type: 'quorum',
});
const membersOf = (queue: string): string[] => {
  const live = cluster.nodes.find((node) => node.alive())!;
  const listed = JSON.parse(
    live.control('-q', 'list_queues', '-p', 'perfect21', 'name', 'members', '--formatter', 'json'),
  );
  return listed.find(({ name }: { name: string }) => name === queue)?.members ?? [];
};
const leaderOf = (queue: string): string => {
  const live = cluster.nodes.find((node) => node.alive())!;
  const listed = JSON.parse(
    live.control('-q', 'list_queues', '-p', 'perfect21', 'name', 'leader', '--formatter', 'json'),
  );
  return listed.find(({ name }: { name: string }) => name === queue).leader;
};
/** A connection as a user of this common name, with what it is refused as an error. */
const channelOf = async (name: string) => {
  const { ca, cert, key } = cluster.clientOf(name);
  const files = { ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key) };
  const model = await connect(cluster.url, { ...files, credentials: credentials.external() });
  model.on('error', () => {});
  const channel = await model.createChannel();
  channel.on('error', () => {});
  return { channel, close: () => model.close().catch(() => {}) };
};
const refused = async (
  name: string,
  act: (channel: Awaited<ReturnType<typeof channelOf>>['channel']) => Promise<unknown>,
) => {
  const { channel, close } = await channelOf(name);
  const outcome = await act(channel).then(
    () => 'done',
    (error: Error) => (/ACCESS_REFUSED/.test(error.message) ? 'refused' : error.message),
  );
  await close();
  return outcome;
};

describe('the files', () => {
  test('are those of the document, each difference said, and hold no password', () => {
    for (const line of [
      'cluster_formation.peer_discovery_backend = k8s',
      'cluster_formation.k8s.host = kubernetes.default.svc.cluster.local',
      'cluster_formation.k8s.address_type = hostname',
      'vm_memory_high_watermark.relative = 0.6',
      'disk_free_limit.relative = 1.0',
      'ssl_options.verify = verify_peer',
      'ssl_options.fail_if_no_peer_cert = true',
      'log.console = true',
      'log.console.level = info',
    ])
      expect(conf.split('\n')).toContain(line);
    expect(conf).not.toMatch(/^loopback_users|^listeners\.tcp\.default|^default_pass/m);
    for (const { password_hash, name } of definitions.users) expect([name, password_hash]).toEqual([name, '']);
    expect(definitions.users.map(({ name }: { name: string }) => name)).not.toContain('guest');
  });

  test('know every queue and binding of the platform, replicated and bounded', () => {
    for (const { name, bindings } of topology.queues) {
      const queue = definitions.queues.find((each: { name: string }) => each.name === name);
      expect(queue.arguments).toMatchObject({
        'x-queue-type': 'quorum',
        'x-message-ttl': 86_400_000,
        'x-max-length': 10_000,
        'x-dead-letter-exchange': 'perfect21.dead',
      });
      const bound = definitions.bindings.filter(
        (each: { source: string; destination: string }) =>
          each.source === 'perfect21.events' && each.destination === name,
      );
      expect(bound.map((each: { routing_key: string }) => each.routing_key).sort()).toEqual([...bindings].sort());
    }
  });

  test('run in Kubernetes by manifests that its schemas allow, nodes as nobody on a root that nobody writes to', async () => {
    for (const manifest of folderOf('infra/rabbitmq')) await validate(manifest);
    const nodes = folderOf('infra/rabbitmq').find(({ kind }) => kind === 'StatefulSet')!;
    const [{ securityContext, image }] = nodes.spec.template.spec.containers;
    expect(nodes.spec.replicas).toBe(3);
    expect(securityContext).toMatchObject({ readOnlyRootFilesystem: true, allowPrivilegeEscalation: false });
    expect(image).toMatch(/^rabbitmq:4\.\d+\.\d+$/);
  });
});

describe('three nodes', () => {
  let broker: RabbitBroker;
  beforeAll(async () => {
    broker = openRabbit(settingsOf('perfect21'), topology, rig.host.ports);
    await until(() => broker.ready(), 'the platform, by its certificate', 30_000);
  }, 60_000);
  afterAll(() => broker?.close());

  test('take the platform by its certificate, which finds everything as it would declare it', () => {
    expect(rig.logged.filter(({ level }) => level === 'error')).toEqual([]);
    const [first] = cluster.nodes;
    expect(
      first!
        .control('-q', 'list_users')
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => line.split('\t')[0])
        .sort(),
    ).toEqual(['perfect21', 'perfect21-bridge', 'perfect21-sidecar']);
  });

  test('let nobody in without a certificate of theirs, by a name that they do not know, or by a password', async () => {
    const { ca } = cluster.clientOf('perfect21');
    const said = (wanted: Promise<{ close(): Promise<void> }>) =>
      wanted.then(
        async (model) => model.close().then(() => 'in'),
        () => 'out',
      );
    const stranger = authority().issueTo('perfect21', 'DNS:perfect21');
    const ours = { ca: readFileSync(ca) };
    expect(await said(connect(cluster.url, { ...ours, credentials: credentials.external() }))).toBe('out');
    expect(await said(connect(cluster.url, { ...ours, ...stranger, credentials: credentials.external() }))).toBe('out');
    expect(await said(channelOf('somebody') as never)).toBe('out');
    const { cert, key } = cluster.clientOf('perfect21');
    const known = { ...ours, cert: readFileSync(cert), key: readFileSync(key) };
    expect(await said(connect(cluster.url.replace('//', '//guest:guest@'), known))).toBe('out');
  });

  test('give each user its rights and no others', async () => {
    expect(await refused('perfect21', (channel) => channel.checkQueue(QUEUE))).toBe('done');
    expect(await refused('perfect21', (channel) => channel.assertQueue('somebody.else'))).toBe('refused');
    const sidecar = (act: Parameters<typeof refused>[1]) => refused('perfect21-sidecar', act);
    expect(await sidecar((channel) => channel.assertExchange(REVOCATIONS, 'fanout', { durable: true }))).toBe('done');
    expect(await sidecar((channel) => channel.consume(QUEUE, () => {}))).toBe('refused');
    expect(await sidecar((channel) => channel.deleteQueue(QUEUE))).toBe('refused');
    expect(await sidecar((channel) => channel.bindQueue(QUEUE, REVOCATIONS, ''))).toBe('refused');
    expect(
      await sidecar(async (channel) => {
        const { queue } = await channel.assertQueue('', { exclusive: true });
        await channel.bindQueue(queue, 'perfect21.events', '#');
      }),
    ).toBe('refused');
    const feed = createRabbitFeed(settingsOf('perfect21-sidecar'), rig.host.ports);
    await until(
      () =>
        feed.catchUp().then(
          () => true,
          (error: Error) => /tells nothing/.test(error.message),
        ),
      'the feed’s queue',
    );
    await feed.close();
  });

  test('lose nothing when one of them dies under load, and keep what the others confirmed', async () => {
    await until(() => membersOf(QUEUE).length === 3, 'the replicas', 30_000);
    const total = 3_000;
    const taken = new Set<string>();
    const queue = topology.queues.find(({ name }) => name === QUEUE)!;
    const consumer = broker.consume(
      rig.host,
      {
        ...queue,
        take: async (_, { body }) => {
          taken.add((body as { envelope: { message_id: string } }).envelope.message_id);
          return { kind: 'done' };
        },
      },
      { prefetch: 50 },
    );
    const events = Array.from({ length: total }, () =>
      envelope({ message_type: 'user.registered', source_service: 'user-service' }),
    );
    const victim = cluster.nodes.find(({ name }) => name === leaderOf(QUEUE))!;
    cluster.prefer(cluster.nodes.find((node) => node !== victim)!);
    let confirmed = 0;
    let failed = 0;
    let killed: Promise<void> | undefined;
    /** As the outbox does: until it is confirmed. */
    const publish = async (event: (typeof events)[number]): Promise<void> => {
      const body = { envelope: event, routing_key: 'user.events.registered', priority: 0 };
      for (;;) {
        await until(() => broker.ready(), 'the broker', 30_000);
        const row = {
          queue: 'outbox',
          id: event.message_id,
          priority: 0,
          available_at: 0,
          attempts: 1,
          claim: '',
          body,
        };
        const [outcome] = await broker.publish([row]);
        if (outcome?.kind === 'published') break;
        failed++;
      }
      if (++confirmed === total / 3) killed = victim.kill();
    };
    const from = performance.now();
    const waiting = [...events];
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        for (let event = waiting.pop(); event; event = waiting.pop()) await publish(event);
      }),
    );
    await killed;
    await until(() => taken.size === total, `all ${total} events, ${taken.size} came`, 40_000);
    await consumer.stop(5_000);
    expect(victim.alive()).toBe(false);
    const lost = events.filter(({ message_id }) => !taken.has(message_id));
    const s = (ms: number) => (ms / 1_000).toFixed(1);
    process.stdout.write(
      `${total} events in ${s(performance.now() - from)} s over a death of the leader: ${lost.length} lost, ${failed} published again; with the start of three nodes ${s(performance.now() - started)} s\n`,
    );
    expect(lost).toEqual([]);
  }, 60_000);
});
