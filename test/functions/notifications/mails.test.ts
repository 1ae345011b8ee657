import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { accountLocked } from '../../../functions/auth/events.ts';
import { emailSend } from '../../../functions/notifications/events.ts';
import { deliveries } from '../../../functions/notifications/records.ts';
import { userPasswordChanged, userRegistered } from '../../../functions/users/events.ts';
import { openMailer } from '../../../shared/delivery/email/smtp-mailer.ts';
import { startMailbox } from '../../../shared/delivery/mailbox/index.ts';
import { AppError } from '../../../shared/kit/errors.ts';
import { type NewEvent, OUTBOX } from '../../../shared/kit/event.ts';
import { DEAD } from '../../../shared/messaging/dead-letters.ts';
import type { Mail } from '../../../shared/ports/mailer.ts';
import { startWorker } from '../../../shared/process/worker.ts';
import { mortal, openRig, TestClock, temporaryFolder, testSealer } from '../../messaging/rig.ts';
import { addUser, alert, collections, emit, platform } from './rig.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A platform whose mails are kept in `sent`; `fail` is asked before each. */
const open = async (fail: (mail: Mail) => void | Promise<void> = () => {}) => {
  const sent: Mail[] = [];
  const send = async (mail: Mail): Promise<void> => {
    await fail(mail);
    sent.push(mail);
  };
  const rig = await openRig({ platform, collections, send });
  cleanups.push(rig.close);
  const { drain } = rig.worker();
  const tell = async (event: NewEvent<any>): Promise<string> => {
    await rig.run(emit, event);
    const [row] = await rig.store.messages.peek(OUTBOX, 1);
    const id = row?.id ?? '';
    await drain();
    return id;
  };
  const statusOf = async (id: string) => (await rig.store.get(deliveries, `${id}.email`))?.value.status;
  const dead = () => rig.store.messages.peek(DEAD, 10);
  return { ...rig, sent, drain, tell, statusOf, dead };
};

const registered = (more: object = {}) =>
  userRegistered.with(
    {
      user_id: 'u1',
      email: 'ada@example.org',
      first_name: 'Ada',
      verification_token: testSealer.seal('tok_en-1', 'verify-email'),
      registration_ip: '192.0.2.1',
      user_agent: 'test',
      ...more,
    },
    { user_id: 'u1' },
  );
const reset = (more: object = {}, data: object = {}) =>
  emailSend.with({
    recipient: 'ada@example.org',
    template_name: 'password_reset',
    subject: '',
    template_data: {
      token: testSealer.seal('reset-1', 'reset-password'),
      expires_at: '2026-05-09T12:30:00.000Z',
      ...data,
    },
    priority: 'high',
    ...more,
  });
describe('after a registration', () => {
  it('the new address gets a link with the token, on the configured address of the platform', async () => {
    const { tell, sent, statusOf } = await open();
    const id = await tell(registered());
    expect(sent).toMatchObject([{ to: 'ada@example.org', subject: 'Confirm your e-mail address', message_id: id }]);
    expect(sent[0]!.text).toContain('https://login.example.org/verify-email?token=tok_en-1');
    expect(sent[0]!.text).toContain('until 2026-05-10 12:00 UTC');
    expect(await statusOf(id)).toBe('sent');
  });

  it('the mail is Chinese for a Chinese locale, and says that a user name was taken', async () => {
    const { tell, sent } = await open();
    await tell(registered({ locale: 'zh-CN', first_name: '小明', username_taken: 'evil.test' }));
    expect(sent[0]).toMatchObject({ subject: '请确认您的邮箱地址' });
    expect(sent[0]!.text).toContain('小明，您好：');
    expect(sent[0]!.text).toContain('用户名已被他人使用');
    expect(sent[0]!.text).not.toContain('evil.test');
  });

  it('a link that has expired meanwhile is not sent', async () => {
    const { run, drain, sent, clock, store, statusOf } = await open();
    await run(emit, registered());
    const [row] = await store.messages.peek(OUTBOX, 1);
    clock.pass(86_400_000);
    await drain();
    expect(sent).toEqual([]);
    expect(await statusOf(row!.id)).toBe('expired');
  });

  it('no token stands in the outbox, in a queue, in the ledger or in the log', async () => {
    const { tell, store, logged, run } = await open(() => {
      throw new AppError('invalid_request', { detail: 'refused' });
    });
    await run(emit, registered());
    const seen = JSON.stringify([await store.messages.peek(OUTBOX, 10)]);
    const id = await tell(reset());
    const rest = JSON.stringify([
      await store.messages.peek(DEAD, 10),
      await store.get(deliveries, `${id}.email`),
      logged,
    ]);
    expect(`${seen}${rest}`).not.toMatch(/tok_en-1|reset-1/);
    expect(await store.messages.depth(DEAD)).toMatchObject({ count: 0 });
  });
});

describe('a mail that a service asks for', () => {
  it('opens the sealed token only in the link', async () => {
    const { tell, sent } = await open();
    await tell(reset());
    expect(sent[0]!.html).toContain('https://login.example.org/reset-password?token=reset-1');
  });

  it.each([
    ['whose token is sealed for another purpose', reset({}, { token: testSealer.seal('reset-1', 'verify-email') })],
    ['whose token is not sealed', reset({}, { token: 'reset-1' })],
    ['without a token', reset({}, { token: undefined })],
    ['from a template that there is not', reset({ template_name: 'no_such' })],
  ])('%s is parked and not sent', async (_, event) => {
    const { tell, sent, dead } = await open();
    await tell(event);
    expect(sent).toEqual([]);
    expect(await dead()).toMatchObject([{ attempts: 1, reason: expect.stringMatching(/^invalid_request template_/) }]);
  });

  it('that is due later is sent then, once, and holds back nothing of the same user', async () => {
    const { tell, sent, clock, drain, statusOf } = await open();
    const template_data = { first_name: 'Ada' };
    const later = { recipient: 'ada@example.org', template_name: 'account_exists', subject: 'Later', template_data };
    const send_at = new Date(clock.now() + 3_600_000).toISOString();
    const id = await tell(emailSend.with({ ...later, send_at }, { user_id: 'u1' }));
    expect(await statusOf(id)).toBe('deferred');
    await tell(registered());
    expect(sent.map(({ subject }) => subject)).toEqual(['Confirm your e-mail address']);
    clock.pass(3_600_000);
    await drain();
    clock.pass(3_600_000);
    await drain();
    expect(sent.map(({ subject }) => subject)).toEqual(['Confirm your e-mail address', 'Later']);
  });

  it('with a code that has expired is not sent late', async () => {
    const { tell, sent, clock, statusOf } = await open();
    clock.pass(1_800_000);
    expect(await statusOf(await tell(reset()))).toBe('expired');
    expect(sent).toEqual([]);
  });
});

describe('the owner of an account', () => {
  it('is told of a changed password', async () => {
    const { tell, sent } = await open();
    await tell(
      userPasswordChanged.with({
        user_id: 'u1',
        email: 'ada@example.org',
        how: 'changed',
        generation: 2,
        ip_address: '192.0.2.9',
        user_agent: 'test',
      }),
    );
    expect(sent).toMatchObject([{ to: 'ada@example.org', subject: 'Your password was changed' }]);
    expect(sent[0]!.text).toContain('192.0.2.9');
  });

  it('is told of an alert, with the advice in one language', async () => {
    const rig = await open();
    await addUser(rig, { email: 'ada@example.org', locale: 'zh', first_name: '小明' });
    await rig.tell(alert('high'));
    expect(rig.sent).toMatchObject([{ to: 'ada@example.org', subject: '账户安全警告' }]);
    expect(rig.sent[0]!.text).toContain('- 检查登录活动');
    expect(rig.sent[0]!.text).not.toContain('Check your login activity');
  });

  it('is told that logins are paused', async () => {
    const rig = await open();
    await addUser(rig, { email: 'ada@example.org' });
    const locked_until = '2026-05-09T12:15:00.000Z';
    const rest = { reason: 'failed_logins', failed_attempts: 10, ip_address: '192.0.2.7', user_agent: 'test' };
    await rig.tell(accountLocked.with({ user_id: 'u1', locked_until, ...rest }));
    expect(rig.sent[0]!.text).toContain(
      'After 10 failed attempts, your account takes no logins from there until 2026-05-09 12:15 UTC.',
    );
  });

  it('who is gone gets nothing, and nothing is retried', async () => {
    const rig = await open();
    await addUser(rig, { email: 'ada@example.org', status: 'deleted' });
    const id = await rig.tell(alert('high'));
    expect(rig.sent).toEqual([]);
    expect(await rig.statusOf(id)).toBe('suppressed');
    expect(await rig.dead()).toEqual([]);
  });
});

describe('a mail', () => {
  it('is sent once, however often its event is delivered', async () => {
    const { tell, sent, store, clock, run, drain } = await open();
    await run(emit, registered());
    const [row] = await store.messages.peek(OUTBOX, 1);
    await drain();
    for (let again = 0; again < 3; again++) {
      clock.pass(600_000);
      await store.transact([], {
        enqueue: [{ queue: OUTBOX, id: row!.id, available_at: clock.now(), body: row!.body }],
      });
      await drain();
    }
    expect(sent).toHaveLength(1);
    await tell(registered({ email: 'other@example.org' }));
    expect(sent).toHaveLength(2);
  });

  it('that may or may not have gone out goes again with the same id, so that it can be recognised', async () => {
    const ids: string[] = [];
    const { tell, clock, drain } = await open(({ message_id }) => {
      ids.push(message_id);
      if (ids.length === 1) throw new AppError('unavailable');
    });
    await tell(registered());
    clock.pass(2_000);
    await drain();
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
  });

  it('waits while the mail server is away, and arrives once when it is back', async () => {
    const folder = await temporaryFolder();
    cleanups.push(folder.remove);
    const options = { httpPort: 0, host: '127.0.0.1', dataDir: join(folder.path, 'data') };
    const first = await startMailbox({ ...options, smtpPort: 0 });
    const clock = new TestClock();
    const mailer = openMailer({ url: `smtp://127.0.0.1:${first.smtpPort}`, from: 'no-reply@example.org', clock });
    cleanups.push(mailer.close);
    const rig = await openRig({ platform, collections, clock, send: mailer.port.send });
    cleanups.push(rig.close);
    const { drain } = rig.worker();
    await rig.run(emit, reset({ recipient: 'before@example.org' }));
    await drain();
    await first.close();
    await rig.run(emit, registered());
    for (let outage = 0; outage < 3; outage++) {
      await drain();
      rig.clock.pass(40_000);
    }
    const second = await startMailbox({ ...options, smtpPort: first.smtpPort });
    cleanups.push(second.close);
    await drain();
    rig.clock.pass(3_600_000);
    await drain();
    const messages = (await (await fetch(`http://127.0.0.1:${second.httpPort}/api/messages`)).json()) as any[];
    expect(messages.map(({ to }) => to)).toEqual(['ada@example.org', 'before@example.org']);
    expect(messages[0].html).toContain('https://login.example.org/verify-email?token=tok_en-1');
  });

  it.each(['before', 'after'] as const)(
    'is sent at least once and recorded as sent, %s whichever call of the store the process dies',
    async (when) => {
      for (let at = 1, died = true; died; at++) {
        const sent: Mail[] = [];
        const send = async (mail: Mail): Promise<void> => void sent.push(mail);
        const rig = await openRig({ platform, collections, send });
        await rig.run(emit, registered());
        const [row] = await rig.store.messages.peek(OUTBOX, 1);
        const victim = mortal(rig.host, at, when);
        const dying = startWorker(victim.host, platform);
        await dying.drain();
        died = victim.died();
        await dying.stop().catch(() => {});
        rig.clock.pass(61_000);
        await rig.worker().drain();
        expect(sent.length).toBeGreaterThanOrEqual(1);
        // twice only when it died between the sending and the mark; then both are the same mail to whoever receives it
        expect(sent.length).toBeLessThanOrEqual(2);
        expect(new Set(sent.map(({ message_id }) => message_id))).toEqual(new Set([row!.id]));
        expect((await rig.store.get(deliveries, `${row!.id}.email`))?.value.status).toBe('sent');
        expect(await rig.store.messages.depth(DEAD)).toEqual({ count: 0 });
        await rig.close();
      }
    },
  );

  it('refused for good is final: told in the ledger, logged and counted, and no dead letter', async () => {
    const rig = await open(() => {
      throw new AppError('invalid_request');
    });
    const id = await rig.tell(registered());
    expect(await rig.statusOf(id)).toBe('failed');
    expect(await rig.dead()).toEqual([]);
    expect(rig.logged).toContainEqual(
      expect.objectContaining({ code: 'message.refused', fields: expect.objectContaining({ message_id: id }) }),
    );
    expect(rig.counts.get('perfect21_messages_refused_total channel=email')).toBe(1);
  });
});
