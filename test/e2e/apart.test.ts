import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Deployment, startDeployment } from '../../infra/local/apart/deployment.ts';
import { type Engines, startEngines } from '../../infra/local/apart/engines.ts';
import { contractLayout, KINDS, type Kind, type Layout } from '../../infra/local/apart/layout.ts';
import { prove } from '../../infra/local/apart/proof.ts';
import { revocations } from '../../shared/keys/revocation-records.ts';
import { POLL_MS } from '../../shared/keys/store-feed.ts';
import { reach } from '../../shared/kit/reach.ts';
import { freePort } from '../support/free-port.ts';
import { cases } from './cases/index.ts';
import { frontDoor, grpcDoors, http2Doors } from './doors/apart.ts';
import { mailsFrom } from './matrix.ts';
import { ORIGIN } from './passkey.ts';
import { watchSettling } from './settled.ts';
import type { Door, World } from './world.ts';

/** Ports that nobody else has. */
const freeLayout = async (): Promise<Layout> => {
  const ports = async () => ({ http: await freePort(), grpc: await freePort(), metrics: await freePort() });
  const services = { ...contractLayout().services };
  for (const name of Object.keys(services) as (keyof typeof services)[]) services[name] = await ports();
  return {
    front: await freePort(),
    services,
    sidecar: await ports(),
    mailbox: await freePort(),
    smtp: await freePort(),
  };
};

/** All topics by one kind; by the others those in which the services ask each other. */
const SOME = ['permissions', 'sessions'];
const PLAN: Record<
  Kind,
  { door(url: string, layout: Layout): Door & { close?(): unknown }; topics: readonly string[] }
> = {
  static: { door: (_, { services }) => http2Doors(services), topics: SOME },
  dns: { door: (_, { services }) => grpcDoors(services), topics: SOME },
  consul: { door: frontDoor, topics: Object.keys(cases) },
};

describe('services in processes of their own, with one PostgreSQL and one RabbitMQ', () => {
  let engines: Engines;
  let metrics: number[];
  let settling: Awaited<ReturnType<typeof watchSettling>>;
  beforeAll(async () => {
    const env = {
      PERFECT21_ORIGINS: ORIGIN,
      PERFECT21_PASSKEY_RP_ID: 'localhost',
      PERFECT21_RATE_LIMITS: 'off',
      PERFECT21_RESET_DELAY: '0',
      LOG_LEVEL: 'error',
    };
    const layout = await freeLayout();
    metrics = Object.values(layout.services).map((ports) => ports.metrics);
    engines = await startEngines(layout, env);
  }, 120_000);
  afterAll(async () => {
    await settling?.close();
    await engines?.close();
  });

  for (const kind of KINDS)
    describe(`found by ${kind}`, () => {
      const { topics, door: open } = PLAN[kind];
      let deployment: Deployment;
      let door: ReturnType<typeof open>;
      beforeAll(async () => {
        deployment = await startDeployment(kind, engines);
        // queues are there when their consumers are
        settling ??= await watchSettling({ ...engines.shared, metrics });
        door = open(deployment.url, engines.layout);
      }, 60_000);
      afterAll(() => deployment?.stop());

      const world = (): World => ({
        name: door.name,
        call: async (op, input, options) => {
          const revokes = reach(op).writes.has(revocations.name);
          const before = revokes ? await settling.revocations() : 0;
          const outcome = await door.call(op, input, options);
          // the other processes know of a revocation when they asked the store again
          if (revokes && (await settling.revocations()) > before) await sleep(POLL_MS + 100);
          return outcome;
        },
        mails: async (to) => {
          await settling.settled();
          return mailsFrom(engines.layout.mailbox, to);
        },
        ...deployment.credentials,
      });

      test('do together what they do in one, and a logout is known at the sidecar', async () => {
        expect(await prove(deployment, engines.layout)).toBeLessThan(1_000);
      }, 60_000);

      for (const topic of topics)
        describe(topic, () => {
          // the clock of another process is not in our hands
          for (const { name, clock, run } of cases[topic]!) if (!clock) test(name, () => run(world()), 30_000);
        });

      test('end in an orderly way', async () => {
        await door.close?.();
        await deployment.stop();
        const programs = Object.entries(deployment.programs);
        const ended = programs.map(async ([name, program]) => [name, await program.end(), program.said()]);
        for (const [name, code, said] of await Promise.all(ended)) expect([name, code, said]).toEqual([name, 0, said]);
        for (const [, program] of programs) expect(program.said()).toContain('stopped');
      }, 60_000);
    });
});
