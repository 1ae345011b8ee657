import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { register } from '../../../functions/auth/register.ts';
import { passwords } from '../../e2e/cases/passwords.ts';
import { registration } from '../../e2e/cases/registration.ts';
import { http1Door } from '../../e2e/doors/http.ts';
import { mailsFrom } from '../../e2e/matrix.ts';
import { newEmail, PASSWORD, type World } from '../../e2e/world.ts';
import { type Rabbitmq, startRabbitmq } from '../../engines/rabbitmq.ts';
import { type TestPlatform, testPlatform } from '../../support/platform.ts';
import { observer, until } from './rig.ts';

describe.each(['classic', 'quorum'])('the whole platform on %s queues', (queueType) => {
  let server: Rabbitmq;
  let platform: TestPlatform;
  beforeAll(async () => {
    server = await startRabbitmq();
    platform = await testPlatform({ BUS_URL: server.url, RABBITMQ_QUEUE_TYPE: queueType, LOG_LEVEL: 'silent' });
  }, 120_000);
  afterAll(async () => {
    await platform?.close();
    await server?.close();
  });

  const readiness = async () => {
    const response = await fetch(`${platform.http.url}/readyz`);
    const { checks } = (await response.json()) as { checks: { bus: { status: string } } };
    return `${response.status} ${checks.bus.status}`;
  };

  for (const { name, run } of [...registration, ...passwords]) {
    test(name, async () => {
      const world: World = {
        ...http1Door(platform.http.url),
        mails: async (to) => {
          await platform.drain();
          return mailsFrom(platform.mailbox!.httpPort, to);
        },
        advance: platform.advance,
        admin: platform.credentials.admin,
        service_token: platform.credentials.service_token,
      };
      await run(world);
    });
  }

  test('while the broker is away requests are answered, health says so, and mails go out at its return', async () => {
    const door = http1Door(platform.http.url);
    await until(async () => (await readiness()) === '200 ok', 'a connected bus');
    await server.stop();
    await until(async () => (await readiness()) === '200 degraded', 'the degraded bus');
    const emails = Array.from({ length: 5 }, newEmail);
    for (const email of emails) {
      expect(await door.call(register, { email, password: PASSWORD })).toMatchObject({ ok: true });
    }
    expect((await platform.host.ports.store.messages.depth('outbox')).count).toBeGreaterThanOrEqual(5);
    await server.start();
    for (const email of emails) {
      await until(async () => (await mailsFrom(platform.mailbox!.httpPort, email)).length === 1, 'the mail', 30_000);
    }
    expect((await platform.host.ports.store.messages.depth('outbox')).count).toBe(0);
    const seen = await observer(server.url);
    expect((await seen.channel.checkQueue('perfect21.dead')).messageCount).toBe(0);
    await seen.close();
  }, 90_000);
});
