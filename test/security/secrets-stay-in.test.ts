import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { ConsumeMessage } from 'amqplib';
import { expect, onTestFinished, test } from 'vitest';
import { changePassword } from '../../functions/auth/change-password.ts';
import { forgotPassword } from '../../functions/auth/forgot-password.ts';
import { login } from '../../functions/auth/login.ts';
import { refresh } from '../../functions/auth/refresh.ts';
import { register } from '../../functions/auth/register.ts';
import { resetPassword } from '../../functions/auth/reset-password.ts';
import { validateToken } from '../../functions/auth/validate-token.ts';
import { verifyEmail } from '../../functions/auth/verify-email.ts';
import { DEAD } from '../../shared/messaging/dead-letters.ts';
import { EVENTS } from '../../shared/messaging/rabbitmq/settings.ts';
import { http1Door } from '../e2e/doors/http.ts';
import { mailsFrom } from '../e2e/matrix.ts';
import { expectOk, loggedIn, newEmail, tokenIn, type World } from '../e2e/world.ts';
import { sharedRabbitmq } from '../engines/shared-rabbitmq.ts';
import { observer } from '../messaging/rabbitmq/rig.ts';
import { startProcess } from '../support/process.ts';

/** A bus whose messages can be looked at: all that passed, with their headers, as text. */
interface WatchedBus {
  url: string;
  passed(): string;
}

const rabbit = async (): Promise<WatchedBus> => {
  const url = await sharedRabbitmq();
  const { model, channel } = await observer(url);
  onTestFinished(() => model.close());
  const all: string[] = [];
  const { queue } = await channel.assertQueue('', { exclusive: true });
  for (const [exchange, kind] of [
    [EVENTS, 'topic'],
    [DEAD, 'fanout'],
  ] as const) {
    await channel.assertExchange(exchange, kind, { durable: true });
    await channel.bindQueue(queue, exchange, '#');
  }
  const take = (message: ConsumeMessage | null): void =>
    void all.push(JSON.stringify([message?.content.toString(), message?.properties]));
  await channel.consume(queue, take, { noAck: true });
  return { url, passed: () => all.join('\n') };
};

// the embedded bus keeps its messages in the database
const buses: Record<string, () => Promise<WatchedBus>> = {
  'the embedded bus': async () => ({ url: 'embedded:', passed: () => '' }),
  RabbitMQ: rabbit,
};

test.each(Object.keys(buses))(
  'with %s no password, token, code or key reaches a log, metric, event, queue or the database in the clear',
  async (name) => {
    const dataDir = mkdtempSync(join(tmpdir(), 'perfect21-canary-'));
    onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
    const bus = await buses[name]!();
    // the real process at its most talkative
    const { out, ready, address, end } = startProcess(dataDir, { LOG_LEVEL: 'debug', BUS_URL: bus.url });
    await ready;
    const base = address('REST').replace('/api/v1', '');
    const mailboxPort = Number(new URL(address('mailbox')).port);
    const credentials = JSON.parse(readFileSync(join(dataDir, 'dev-credentials.json'), 'utf8'));
    const world: World = {
      ...http1Door(base),
      admin: credentials.admin,
      service_token: credentials.service_token,
      // there is no clock nor drain in another process: wait for the mail itself
      mails: async (to) => {
        for (;;) {
          const mails = await mailsFrom(mailboxPort, to);
          if (mails.length > 0) return mails;
          await new Promise((resolve) => setImmediate(resolve));
        }
      },
    };
    const secrets: string[] = [credentials.service_token, credentials.admin.password];
    const secret = <T extends string>(text: T): T => {
      secrets.push(text);
      return text;
    };

    const email = newEmail();
    const password = secret('canary sentence number one');
    await expectOk(world.call(register, { email, password }));
    const token = secret(tokenIn((await world.mails(email))[0]));
    await expectOk(world.call(verifyEmail, { token }));
    const session = await loggedIn(world, email, { password });
    secret(session.access_token);
    secret(session.refresh_token);
    await world.call(login, { identifier: email, password: secret('canary of a wrong password') });
    await world.call(login, { identifier: secret('canary-typed-into-the-wrong-field'), password });
    await world.call(validateToken, { token: session.access_token });
    await world.call(validateToken, { token: secret('canary.that.is-no-token') });
    const second = await expectOk(world.call(refresh, { refresh_token: session.refresh_token }));
    secret(second.access_token);
    secret(second.refresh_token);
    const next = secret('canary sentence number two');
    await expectOk(
      world.call(changePassword, { current_password: password, new_password: next }, { token: second.access_token }),
    );
    await fetch(`http://127.0.0.1:${mailboxPort}/api/messages`, { method: 'DELETE' });
    await expectOk(world.call(forgotPassword, { email }));
    for (;;) {
      const [mail] = await world.mails(email);
      if (!mail?.text.includes('token=')) continue;
      const reset = secret(tokenIn(mail));
      await expectOk(world.call(resetPassword, { token: reset, new_password: secret('canary sentence number three') }));
      break;
    }
    await world.call(register, { email: 'canary', password: secret('canary in a refused request'), nonsense: 1 });
    await fetch(`${base}/api/v1/users/me?token=${secret('canary-in-a-query')}`);
    const metrics = await (await fetch(address('metrics'))).text();

    await end();
    const printed = out.text + out.errors;
    expect(printed).toContain('http.request');
    const db = new DatabaseSync(join(dataDir, 'perfect21.db'), { readOnly: true });
    const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as { name: string }[];
    const stored = tables.map(({ name }) => JSON.stringify(db.prepare(`SELECT * FROM "${name}"`).all())).join('\n');
    db.close();

    if (name === 'RabbitMQ') expect(bus.passed()).toContain('user.registered');
    for (const [place, text] of Object.entries({ log: printed, metrics, database: stored, bus: bus.passed() })) {
      for (const canary of secrets)
        expect([place, canary.slice(0, 12), text.includes(canary)]).toEqual([place, canary.slice(0, 12), false]);
    }
    expect(stored).toContain('$argon2id$');
  },
  120_000,
);
