import { describe, expect, it } from 'vitest';
import { accountLocked } from '../../../functions/auth/events.ts';
import { addDevice } from '../../../functions/notifications/add-device.ts';
import { getDeliveries } from '../../../functions/notifications/get-deliveries.ts';
import { listNotifications } from '../../../functions/notifications/list-notifications.ts';
import { CHANNELS } from '../../../functions/notifications/model.ts';
import { setPreferences } from '../../../functions/notifications/set-preferences.ts';
import { userPasswordChanged } from '../../../functions/users/events.ts';
import { AppError } from '../../../shared/kit/errors.ts';
import { OUTBOX } from '../../../shared/kit/event.ts';
import { DEAD } from '../../../shared/messaging/dead-letters.ts';
import { startWorker } from '../../../shared/process/worker.ts';
import { newBrowser } from '../../engines/push-service.ts';
import { mortal } from '../../messaging/rig.ts';
import { alert, loginEvent, openNotifications } from './rig.ts';

const PHONE = '+4917012345678';
const subscription = (name = 'one') => {
  const { public_key, auth } = newBrowser();
  return { endpoint: `https://push.example.org/${name}`, keys: { p256dh: public_key, auth } };
};

describe('a security alert', () => {
  it.each(['high', 'critical'] as const)('that is %s comes by mail, text message, push and inbox', async (severity) => {
    const { tell, addUser, as, mails, texts, pushes } = await openNotifications();
    await addUser({ proven_phone: PHONE });
    await as('u1', addDevice, subscription());
    const id = await tell(alert(severity));
    expect(mails).toMatchObject([{ to: 'u1@example.org', subject: 'Security alert for your account' }]);
    expect(texts).toMatchObject([{ to: PHONE, message_id: id }]);
    expect(texts[0]!.text).toContain('A used login was presented again');
    expect(pushes).toMatchObject([{ title: 'Security alert for your account', urgency: 'high', message_id: id }]);
    const { notifications } = await as('u1', listNotifications);
    expect(notifications).toMatchObject([{ id, category: 'security', read: false, text: texts[0]!.text }]);
  });

  it.each(['low', 'medium'] as const)('that is %s comes by mail and into the inbox only', async (severity) => {
    const { tell, addUser, as, mails, texts, pushes } = await openNotifications();
    await addUser({ proven_phone: PHONE });
    await as('u1', addDevice, subscription());
    await tell(alert(severity));
    expect([mails.length, texts.length, pushes.length]).toEqual([1, 0, 0]);
    expect((await as('u1', listNotifications)).notifications).toHaveLength(1);
  });

  it('is in the language of its reader on every channel', async () => {
    const { tell, addUser, as, mails, texts, pushes } = await openNotifications();
    await addUser({ proven_phone: PHONE, locale: 'zh-CN' });
    await as('u1', addDevice, subscription());
    await tell(alert('critical'));
    for (const said of [mails[0]!.subject, texts[0]!.text, pushes[0]!.title]) expect(said).toMatch(/\p{Script=Han}/u);
  });

  it('to somebody without a number or device says so in the ledger, and parks nothing', async () => {
    const { tell, addUser, ask, dead, mails } = await openNotifications();
    await addUser();
    const id = await tell(alert('high'));
    expect(mails).toHaveLength(1);
    const { deliveries } = await ask(getDeliveries, { id });
    expect(deliveries.map(({ channel, status, reason }: any) => [channel, status, reason])).toEqual([
      ['email', 'sent', undefined],
      ['sms', 'suppressed', 'no_recipient'],
      ['push', 'suppressed', 'no_device'],
      ['realtime', 'sent', undefined],
    ]);
    expect(await dead()).toEqual([]);
  });

  it('always comes by mail, and by the other ways as its reader chose', async () => {
    const { tell, addUser, as, mails, texts, ledger } = await openNotifications();
    await addUser({ proven_phone: PHONE });
    await as('u1', setPreferences, { security: { sms: false } });
    const refused = as('u1', setPreferences, { security: { email: false } });
    await expect(refused).rejects.toMatchObject({ code: 'invalid_request', errors: [{ path: 'security.email' }] });
    const id = await tell(alert('critical'));
    expect([mails.length, texts.length]).toEqual([1, 0]);
    expect(await ledger(id, 'sms')).toMatchObject({ status: 'suppressed', reason: 'preference', attempts: [] });
  });

  it('comes once on every channel, however often its event is delivered', async () => {
    const rig = await openNotifications();
    await rig.addUser({ proven_phone: PHONE });
    await rig.as('u1', addDevice, subscription());
    const row = await rig.emit(alert('high'));
    await rig.drain();
    for (let again = 0; again < 3; again++) {
      rig.clock.pass(600_000);
      const enqueue = [{ queue: OUTBOX, id: row.id, available_at: rig.clock.now(), body: row.body }];
      await rig.store.transact([], { enqueue });
      await rig.drain();
    }
    expect([rig.mails.length, rig.texts.length, rig.pushes.length]).toEqual([1, 1, 1]);
    expect((await rig.as('u1', listNotifications)).notifications).toHaveLength(1);
  });

  it('comes by text message while the mail server is away, and by mail when it is back', async () => {
    let away = true;
    const { tell, addUser, texts, mails, clock, drain } = await openNotifications({
      mail: () => {
        if (away) throw new AppError('unavailable');
      },
    });
    await addUser({ proven_phone: PHONE });
    await tell(alert('critical'));
    expect([mails.length, texts.length]).toEqual([0, 1]);
    away = false;
    clock.pass(10_000);
    await drain();
    expect([mails.length, texts.length]).toEqual([1, 1]);
  });
});

describe('when the process dies', () => {
  it.each(['before', 'after'] as const)(
    '%s whichever call of the store, an alert still comes on every channel, and twice only with the same id',
    async (when) => {
      for (let at = 1, died = true; died; at++) {
        const rig = await openNotifications();
        await rig.addUser({ proven_phone: PHONE });
        await rig.as('u1', addDevice, subscription());
        const { id } = await rig.emit(alert('critical'));
        const victim = mortal(rig.host, at, when);
        const dying = startWorker(victim.host, rig.platform);
        await dying.drain();
        died = victim.died();
        await dying.stop().catch(() => {});
        for (let round = 0; round < 4; round++) {
          rig.clock.pass(130_000);
          await rig.drain();
        }
        for (const sent of [rig.mails, rig.texts, rig.pushes]) {
          expect([1, 2]).toContain(sent.length);
          expect(new Set(sent.map(({ message_id }) => message_id))).toEqual(new Set([id]));
        }
        expect((await rig.as('u1', listNotifications)).notifications).toHaveLength(1);
        for (const channel of CHANNELS) expect((await rig.ledger(id, channel))?.status).toBe('sent');
        expect(await rig.dead()).toEqual([]);
        await rig.close();
      }
    },
    60_000,
  );
});

describe('a login', () => {
  it('that failed is told to the owner by mail, with time, address and device', async () => {
    const { tell, addUser, mails, as } = await openNotifications();
    await addUser({ first_name: 'Ada' });
    await tell(loginEvent());
    expect(mails).toMatchObject([{ to: 'u1@example.org', subject: 'A login to your account failed' }]);
    for (const fact of ['Hello Ada,', '2026-05-09 12:00 UTC', '192.0.2.7', 'Device: curl']) {
      expect(mails[0]!.text).toContain(fact);
    }
    expect((await as('u1', listNotifications)).notifications).toMatchObject([
      { title: 'A login to your account failed' },
    ]);
  });

  it.each([
    [0.71, 1],
    [1, 1],
    [0.7, 0],
    [0, 0],
    [undefined, 0],
  ])('that succeeded with a risk of %s is told %i times', async (risk_score, times) => {
    const { tell, addUser, mails } = await openNotifications();
    await addUser();
    await tell(loginEvent({ login_successful: true, risk_score }));
    expect(mails).toHaveLength(times);
    if (times) expect(mails[0]!.subject).toBe('An unusual login to your account');
  });

  it('that fails again and again fills no mailbox: one mail in each window', async () => {
    const { tell, addUser, mails, clock } = await openNotifications();
    await addUser();
    for (let at = 0; at < 8; at++) await tell(loginEvent());
    expect(mails).toHaveLength(1);
    clock.pass(901_000);
    await tell(loginEvent());
    expect(mails).toHaveLength(2);
  });

  it('that failed is told once even if the mail server was away, and the tries after it are still not told', async () => {
    let away = true;
    const { tell, addUser, mails, clock, drain } = await openNotifications({
      mail: () => {
        if (away) throw new AppError('unavailable');
      },
    });
    await addUser();
    await tell(loginEvent());
    await tell(loginEvent());
    away = false;
    clock.pass(60_000);
    await drain();
    expect(mails).toHaveLength(1);
  });

  it('that failed is told once, and parked nowhere, when the mail server comes back after its window', async () => {
    let away = true;
    const { tell, addUser, mails, clock, drain, store } = await openNotifications({
      mail: () => {
        if (away) throw new AppError('unavailable');
      },
    });
    await addUser();
    await tell(loginEvent());
    clock.pass(901_000);
    away = false;
    await drain();
    expect(mails).toHaveLength(1);
    expect(await store.messages.peek(DEAD, 10)).toEqual([]);
  });

  it.each([
    ['to an unknown identifier', { user_id: '' }, {}],
    ['of an account whose address nobody confirmed', {}, { verified: false, status: 'pending_verification' }],
    ['of a deleted account', {}, { status: 'deleted' }],
  ] as const)('that failed %s is told to nobody', async (_, login, user) => {
    const { tell, addUser, mails, dead } = await openNotifications();
    await addUser(user);
    await tell(loginEvent(login));
    expect(mails).toEqual([]);
    expect(await dead()).toEqual([]);
  });

  it.each([
    ['Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537 Chrome/140 Safari/537 Edg/140', 'Edge, Windows'],
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 18) AppleWebKit/605 Version/18 Mobile Safari/604', 'Safari, iPhone'],
    ['<a href="https://evil.test">You won</a> https://evil.test', 'unknown'],
  ])('from %j is told as from %s: who knocks does not write to the owner', async (user_agent, device) => {
    const { tell, addUser, mails } = await openNotifications();
    await addUser();
    await tell(loginEvent({ user_agent }));
    expect(mails[0]!.text).toContain(`Device: ${device}\n`);
    expect(`${mails[0]!.text}${mails[0]!.html}`).not.toMatch(/evil|href/);
  });
});

describe('what happened to an account', () => {
  it.each([
    ['whose address nobody confirmed', { verified: false, status: 'pending_verification' }],
    ['that is deleted', { status: 'deleted' }],
  ] as const)('%s is told to nobody: strangers are not mailed by whom they do not know', async (_, user) => {
    const { tell, addUser, mails, dead } = await openNotifications();
    await addUser(user);
    const where = { locked_until: '2026-05-09T12:15:00.000Z', ip_address: '192.0.2.9', user_agent: 'test' };
    await tell(accountLocked.with({ user_id: 'u1', reason: 'x', failed_attempts: 10, ...where }));
    expect(mails).toEqual([]);
    expect(await dead()).toEqual([]);
  });

  it('stands in the inbox beside the mail', async () => {
    const { tell, addUser, as, mails } = await openNotifications();
    await addUser();
    const where = { ip_address: '192.0.2.9', user_agent: 'test' };
    const changed = { user_id: 'u1', email: 'u1@example.org', how: 'changed', generation: 2, ...where } as const;
    await tell(userPasswordChanged.with(changed));
    const locked_until = '2026-05-09T12:15:00.000Z';
    await tell(accountLocked.with({ user_id: 'u1', reason: 'x', failed_attempts: 10, locked_until, ...where }));
    expect(mails).toHaveLength(2);
    const { notifications } = await as('u1', listNotifications);
    const titles = notifications.map(({ title }: { title: string }) => title).sort();
    expect(titles).toEqual(['Logins to your account are paused', 'Your password was changed']);
  });
});
