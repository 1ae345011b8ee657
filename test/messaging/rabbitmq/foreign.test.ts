import type { Channel } from 'amqplib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { login } from '../../../functions/auth/login.ts';
import { listSessions } from '../../../functions/sessions/list-sessions.ts';
import { http1Door } from '../../e2e/doors/http.ts';
import { mailsFrom } from '../../e2e/matrix.ts';
import { expectOk, newEmail, PASSWORD, userWithSession, type World } from '../../e2e/world.ts';
import { sharedRabbitmq } from '../../engines/shared-rabbitmq.ts';
import { type TestPlatform, testPlatform } from '../../support/platform.ts';
import { DOCUMENT_TYPES, type PublishOptions, publishAsDocument, utcnow } from './python-publisher.ts';
import { observer } from './rig.ts';

describe('the publisher of the architecture document is understood', () => {
  let url: string;
  let platform: TestPlatform;
  let world: World;
  let channel: Channel;
  let user: Awaited<ReturnType<typeof userWithSession>>;
  const published = new Set<string>();

  beforeAll(async () => {
    url = await sharedRabbitmq();
    platform = await testPlatform({ BUS_URL: url, LOG_LEVEL: 'silent' });
    channel = (await observer(url)).channel;
    world = {
      ...http1Door(platform.http.url),
      mails: async (to) => {
        await platform.drain();
        return mailsFrom(platform.mailbox!.httpPort, to);
      },
      admin: platform.credentials.admin,
      service_token: platform.credentials.service_token,
    };
    user = await userWithSession(world, { phone_number: '+4917612345678' });
  }, 120_000);
  afterAll(() => platform?.close());

  /** Deliveries by what became of them. */
  const counts = async (): Promise<Record<string, number>> => {
    const text = await (await fetch(`http://127.0.0.1:${platform.metrics.port}/metrics`)).text();
    const totals: Record<string, number> = {};
    for (const [, result, value] of text.matchAll(/^perfect21_queue_messages_total\{.*result="(\w+)"\} (\d+)/gm))
      totals[result!] = (totals[result!] ?? 0) + Number(value);
    return totals;
  };
  const dead = async () => (await channel.checkQueue('perfect21.dead')).messageCount;

  /** Publishes as the document does, waits until it was handled, and makes sure that nothing was parked or is tried again. */
  const publish = async (type: string, data: Record<string, unknown>, options: PublishOptions = {}) => {
    published.add(type);
    const before = await counts();
    await publishAsDocument(channel, type, data, { user_id: user.user_id, ...options });
    // permissions have no queue: nobody on the platform wants to know of them yet
    const queued = !type.startsWith('permission.');
    const seen = ({ lost: _, ...results }: Record<string, number>) => Object.values(results).reduce((a, b) => a + b, 0);
    if (queued) await expect.poll(async () => seen(await counts()), { timeout: 15_000 }).toBeGreaterThan(seen(before));
    await platform.drain();
    const { parked = 0, retried = 0 } = await counts();
    expect([parked, retried, await dead()], type).toEqual([before.parked ?? 0, before.retried ?? 0, 0]);
  };
  const mailTo = async (to: string) => {
    await expect.poll(async () => (await world.mails(to)).length, { timeout: 15_000 }).toBeGreaterThan(0);
    return (await world.mails(to))[0]!;
  };
  const client = { ip_address: '203.0.113.7', user_agent: 'Mozilla/5.0' };

  test('user.registered: a mail with the plain token, no last name', async () => {
    const email = newEmail();
    await publish('user.registered', {
      ...{ user_id: 'u-1', email, first_name: 'Ada', last_name: null, verification_token: 'plain-token_1' },
      ...{ registration_ip: '203.0.113.7', user_agent: 'Mozilla/5.0' },
    });
    const { text } = await mailTo(email);
    expect(text).toContain('Ada');
    expect(text).toContain('/verify-email?token=plain-token_1');
  });

  test('user.login: a failed one is told, without a score and a place', async () => {
    const data = { user_id: user.user_id, email: user.email, login_successful: false, ...client };
    await publish('user.login', { ...data, mfa_used: false, risk_score: null }, { priority: 5 });
    await expect
      .poll(async () => (await world.mails(user.email)).map(({ subject }) => subject))
      .toContain('A login to your account failed');
    const whole = { ...data, location: null, mfa_used: false, risk_score: 0.9, failure_reason: null };
    await publish('user.login', { ...whole, login_successful: true });
  });

  test('security.alert: without a user agent, its advice in Chinese', async () => {
    const data = { user_id: user.user_id, alert_type: 'suspicious_login', severity: 'critical' };
    const recommended_actions = ['立即更改密码', '启用多因子认证', '检查账户活动', '联系技术支持'];
    const details = { country: 'CN', device: null };
    const { ip_address } = client;
    const alert = { ...data, description: 'From far away', details, ip_address, recommended_actions };
    await publish('security.alert', alert, { priority: 9 });
    await expect
      .poll(async () => (await world.mails(user.email)).map(({ text }) => text).join())
      .toContain('From far away');
  });

  test('notification.email.send: the template welcome, sent at a time without an offset', async () => {
    const [email, other, late] = [newEmail(), newEmail(), newEmail()];
    const template_data = { first_name: 'Ada', last_name: null, verification_token: 'plain-token_2' };
    const mail = { recipient: email, template_name: 'welcome', subject: 'Welcome', template_data };
    await publish('notification.email.send', { ...mail, priority: 'normal', send_at: null }, { user_id: null });
    expect((await mailTo(email)).text).toContain('/verify-email?token=plain-token_2');
    await publish('notification.email.send', { ...mail, recipient: other, template_data: {}, send_at: utcnow() });
    expect((await mailTo(other)).text).not.toContain('token=');
    // not for hours: UTC, whatever the offset of this machine
    const send_at = utcnow(Date.now() + 3_600_000);
    await publish('notification.email.send', { ...mail, recipient: late, send_at });
    expect(await world.mails(late)).toEqual([]);
  });

  test('notification.sms.send and notification.push.send, in the style of the mail', async () => {
    const request = { template_name: 'security_alert', template_data: { severity: 'low' }, send_at: null };
    await publish('notification.sms.send', { recipient: '+4917612345679', ...request, priority: 'normal' });
    expect(await mailTo('+4917612345679')).toMatchObject({ channel: 'sms' });
    await publish('notification.push.send', { recipient: user.user_id, ...request, priority: 'urgent' });
  });

  test('user.password_changed of a system that keeps no count ends the sessions of the user', async () => {
    const other = await userWithSession(world);
    await publish('user.password_changed', { user_id: other.user_id, email: other.email });
    const listed = await world.call(listSessions, {}, { token: other.access_token });
    expect(listed).toMatchObject({ ok: false, code: 'unauthenticated' });
    await expectOk(world.call(login, { identifier: other.email, password: PASSWORD }));
    await publish('user.password_changed', { user_id: 'nobody-here', email: newEmail() });
  });

  const others: Record<string, Record<string, unknown>> = {
    'user.logout': { session_id: 's-1' },
    'user.mfa_enabled': { email: 'ada@example.org', method: 'totp', ...client, locale: null },
    'security.suspicious_activity': { activity_type: 'x', description: 'y', risk_score: 0.5, details: {}, ...client },
    'security.account_locked': { reason: 'failed_logins', failed_attempts: 5, locked_until: utcnow(), ...client },
    'permission.role_assigned': { role: 'editor', changed_by: 'admin', reason: null, expires_at: null },
    'permission.role_revoked': { role: 'editor', changed_by: 'admin', reason: null },
    'permission.granted': { permission: 'a:b:c', changed_by: 'admin', reason: null, expires_at: utcnow() },
    'permission.revoked': { permission: 'a:b:c', changed_by: 'admin', reason: null },
  };
  test.each(Object.entries(others))('%s', async (type, data) => {
    await publish(type, { user_id: user.user_id, ...data });
  });

  test('what it sets beside the envelope completes it or is passed over: correlation id, type, a priority of 200', async () => {
    const email = newEmail();
    const mail = { recipient: email, template_name: 'welcome', subject: '', template_data: {} };
    const more = { type: 'com.example.Mail', correlationId: 'request-4711', priority: 200 };
    await publish('notification.email.send', mail, { more });
    await mailTo(email);
  });

  test('each of its message types was published here', () => {
    expect([...published].sort()).toEqual([...DOCUMENT_TYPES].sort());
  });
});
