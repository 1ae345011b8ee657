import { describe, expect, it } from 'vitest';
import { addDevice } from '../../../functions/notifications/add-device.ts';
import { emailSend, pushSend, realtimeSend, smsSend } from '../../../functions/notifications/events.ts';
import { getDeliveries } from '../../../functions/notifications/get-deliveries.ts';
import { listNotifications } from '../../../functions/notifications/list-notifications.ts';
import { HOURLY, SMS_A_DAY } from '../../../functions/notifications/message-bounds.ts';
import { NOTIFICATION_REQUESTS } from '../../../functions/notifications/queues.ts';
import { messageCounts } from '../../../functions/notifications/records.ts';
import { sendNotification } from '../../../functions/notifications/send-notification.ts';
import { setPreferences } from '../../../functions/notifications/set-preferences.ts';
import { inOrder } from '../../../shared/delivery/sending.ts';
import { AppError } from '../../../shared/kit/errors.ts';
import { OUTBOX } from '../../../shared/kit/event.ts';
import { replay } from '../../../shared/messaging/dead-letters.ts';
import type { Channel } from '../../../shared/ports/channel.ts';
import type { Sms } from '../../../shared/ports/sms.ts';
import { newBrowser } from '../../engines/push-service.ts';
import { testSealer } from '../../messaging/rig.ts';
import { openNotifications } from './rig.ts';

const PHONE = '+4917012345678';
const away = (): never => {
  throw new AppError('unavailable', { cause: new Error(`no route to ${PHONE} with code 314159`) });
};
const subscription = (name: string) => {
  const { public_key, auth } = newBrowser();
  return { endpoint: `https://push.example.org/${name}`, keys: { p256dh: public_key, auth } };
};
const notice = { template_name: 'notice', template_data: { title: 'News', text: 'There is news' } };
const code = (more: object = {}) =>
  smsSend.with(
    {
      recipient: PHONE,
      template_name: 'verification_code',
      template_data: { token: testSealer.seal('314159', 'verification-code'), expires_at: '2026-05-09T12:10:00.000Z' },
      priority: 'urgent',
      ...more,
    },
    { user_id: 'u1' },
  );

describe('a service that asks for a message', () => {
  it('to a user gets an id at once, and sees what became of it on each channel', async () => {
    const { addUser, as, ask, drain, mails, texts, pushes } = await openNotifications();
    await addUser({ proven_phone: PHONE });
    await as('u1', setPreferences, { account: { sms: true } });
    await as('u1', addDevice, subscription('one'));
    const channels = ['email', 'sms', 'push', 'realtime'];
    const { id } = await ask(sendNotification, { user_id: 'u1', channels, ...notice });
    const states = async () =>
      (await ask(getDeliveries, { id })).deliveries.map(({ channel, status }: any) => `${channel} ${status}`);
    expect(await states()).toEqual(['email queued', 'sms queued', 'push queued', 'realtime queued']);
    await drain();
    expect(await states()).toEqual(['email sent', 'sms sent', 'push sent', 'realtime sent']);
    expect(mails).toMatchObject([{ to: 'u1@example.org', subject: 'News', message_id: id }]);
    expect(texts).toMatchObject([{ to: PHONE, text: 'There is news' }]);
    expect(pushes).toMatchObject([{ title: 'News', text: 'There is news' }]);
    expect((await as('u1', listNotifications)).notifications).toMatchObject([
      { id, title: 'News', category: 'account' },
    ]);
    expect((await ask(getDeliveries, { id })).deliveries[1].attempts).toEqual([
      { at: 1778328000, provider: 'texts', outcome: 'sent', answer: 'queued for <private>' },
    ]);
  });

  it('to an address needs no user', async () => {
    const { ask, drain, mails, texts } = await openNotifications();
    const to = { email: 'bob@example.org', phone_number: PHONE };
    await ask(sendNotification, { ...to, channels: ['email', 'sms'], ...notice });
    await drain();
    expect([mails[0]!.to, texts[0]!.to]).toEqual(['bob@example.org', PHONE]);
  });

  const code_data = { token: 'x', expires_at: '2026-05-09T12:10:00Z' };
  it.each<[string, Record<string, unknown>, string]>([
    ['without anybody to send it to', { user_id: undefined }, 'user_id'],
    ['to a user and an address at once', { email: 'a@b.example' }, 'user_id'],
    ['to an e-mail address that is none', { user_id: undefined, email: 'ada at example.org' }, 'email'],
    ['to several addresses as one', { user_id: undefined, email: 'a@b.example,c@d.example' }, 'email'],
    [
      'to a number that is none',
      { user_id: undefined, phone_number: '0170 1234567', channels: ['sms'] },
      'phone_number',
    ],
    [
      'to an address though no mail is asked for',
      { user_id: undefined, email: 'a@b.example', phone_number: PHONE, channels: ['sms'] },
      'email',
    ],
    [
      'to a number though no text message is asked for',
      { user_id: undefined, email: 'a@b.example', phone_number: PHONE },
      'phone_number',
    ],
    [
      'by push to who is no user',
      { user_id: undefined, email: 'a@b.example', channels: ['email', 'push'] },
      'channels',
    ],
    ['on a channel that there is not', { channels: ['fax'] }, 'channels.0'],
    ['on no channel', { channels: [] }, 'channels'],
    ['from a template that there is not', { template_name: 'none' }, 'template_name'],
    ['with data that it does not take', { template_data: { title: 'x' } }, 'template_data.text'],
    ['by text message from a letter', { template_name: 'account_exists', channels: ['sms'] }, 'template_name'],
    [
      'with a link that is none',
      { template_data: { title: 'x', text: 'y', url: 'javascript:x' } },
      'template_data.url',
    ],
    ['with a code that is no text', { template_name: 'verification_code', template_data: {} }, 'template_data.token'],
    [
      'with a code for the inbox',
      { template_name: 'verification_code', channels: ['realtime'], template_data: code_data },
      'channels',
    ],
  ])('%s is told so at once, and nothing is sent', async (_, change, path) => {
    const { addUser, ask, drain, store, mails } = await openNotifications();
    await addUser();
    const asked = ask(sendNotification, { user_id: 'u1', channels: ['email'], ...notice, ...change });
    await expect(asked).rejects.toMatchObject({ code: 'invalid_request', errors: [{ path }] });
    await drain();
    expect(mails).toEqual([]);
    expect(await store.messages.depth(OUTBOX)).toEqual({ count: 0 });
  });

  it('twice under one key, also at once, has it sent once and gets the same id', async () => {
    const { ask, drain, mails } = await openNotifications();
    const request = { email: 'bob@example.org', channels: ['email'], ...notice };
    const keyed = (key: string) => ask(sendNotification, { ...request, idempotency_key: `the-key-of-order-${key}` });
    const answers = await Promise.all([keyed('1'), keyed('1')]);
    await drain();
    answers.push(await keyed('1'));
    await drain();
    expect(mails).toHaveLength(1);
    expect(new Set(answers.map(({ id }) => id))).toEqual(new Set([mails[0]!.message_id]));
    await keyed('2');
    await ask(sendNotification, request);
    await ask(sendNotification, request);
    await drain();
    expect(new Set(mails.map(({ message_id }) => message_id)).size).toBe(4);
  });

  it("under a key that another service used, too, has its own sent: nobody takes a message's place, or learns its id", async () => {
    const { ask, drain, mails } = await openNotifications();
    const request = { channels: ['email'], ...notice, idempotency_key: 'the-key-of-order-1' };
    const first = await ask(sendNotification, { ...request, email: 'nobody@example.org' }, 'shop');
    const second = await ask(sendNotification, { ...request, email: 'bob@example.org' }, 'bank');
    await drain();
    expect(second.id).not.toBe(first.id);
    expect(mails.map(({ to }) => to).toSorted()).toEqual(['bob@example.org', 'nobody@example.org']);
  });

  it('to a user who is none is told that there is none', async () => {
    const { ask } = await openNotifications();
    const asked = ask(sendNotification, { user_id: 'nobody', channels: ['email'], ...notice });
    await expect(asked).rejects.toMatchObject({ code: 'not_found' });
    await expect(ask(getDeliveries, { id: 'none' })).rejects.toMatchObject({ code: 'not_found' });
  });

  it('for later has it sent then and once, and sees until then that it waits', async () => {
    const { addUser, ask, drain, clock, mails, ledger } = await openNotifications();
    await addUser();
    const send_at = new Date(clock.now() + 3_600_000).toISOString();
    const { id } = await ask(sendNotification, { user_id: 'u1', channels: ['email'], send_at, ...notice });
    await drain();
    expect([mails.length, (await ledger(id, 'email'))?.status]).toEqual([0, 'deferred']);
    for (let passed = 0; passed < 3; passed++) {
      clock.pass(3_600_000);
      await drain();
    }
    expect([mails.length, (await ledger(id, 'email'))?.status]).toEqual([1, 'sent']);
  });

  it('has a code sealed before it travels: it is nowhere but in the message', async () => {
    const { ask, drain, texts, store, logged, ledger } = await openNotifications({ sms: () => {} });
    const template_data = { token: '314159', expires_at: '2026-05-09T12:10:00Z' };
    const request = { phone_number: PHONE, channels: ['sms'], template_name: 'verification_code', template_data };
    const { id } = await ask(sendNotification, request);
    const waiting = JSON.stringify(await store.messages.peek(OUTBOX, 10));
    await drain();
    expect(texts[0]!.text).toContain('314159');
    expect(`${waiting}${JSON.stringify([await ledger(id, 'sms'), logged])}`).not.toContain('314159');
  });

  it('reaches nobody who switched that category off on that channel', async () => {
    const { addUser, as, ask, drain, mails, ledger } = await openNotifications();
    await addUser();
    const request = { user_id: 'u1', channels: ['email'], ...notice };
    await as('u1', setPreferences, { account: { email: false } });
    const { id } = await ask(sendNotification, request);
    const { id: news } = await ask(sendNotification, { ...request, category: 'product' });
    await drain();
    expect(mails).toEqual([]);
    for (const each of [id, news]) expect(await ledger(each, 'email')).toMatchObject({ reason: 'preference' });
    await ask(sendNotification, { ...request, category: 'security' });
    await drain();
    expect(mails).toHaveLength(1);
  });
});

describe('a text message', () => {
  it('with a code that has expired is not sent late', async () => {
    const { emit, drain, clock, texts, ledger } = await openNotifications();
    const row = await emit(code());
    clock.pass(600_000);
    await drain();
    expect(texts).toEqual([]);
    expect((await ledger(row.id, 'sms'))?.status).toBe('expired');
  });

  it('past the time that its request gives is not sent, though its template knows no time', async () => {
    const { tell, texts, ledger } = await openNotifications();
    const id = await tell(smsSend.with({ recipient: PHONE, ...notice, expires_at: '2026-05-09T12:00:00.000Z' }));
    expect([texts.length, (await ledger(id, 'sms'))?.status]).toEqual([0, 'expired']);
  });

  it('that nobody takes is tried six times and then given up; each try is in the ledger, without number and code', async () => {
    let failing = true;
    const { tell, clock, drain, ledger, dead, store, texts, logged } = await openNotifications({
      sms: () => void (failing && away()),
    });
    const later = '2026-05-09T20:00:00.000Z';
    const token = testSealer.seal('314159', 'verification-code');
    const id = await tell(code({ template_data: { token, expires_at: later } }));
    expect(await ledger(id, 'sms')).toMatchObject({ status: 'retrying', rounds: 1 });
    for (let tries = 0; tries < 8; tries++) {
      clock.pass(800_000);
      await drain();
    }
    const record = await ledger(id, 'sms');
    expect(record).toMatchObject({ status: 'failed', reason: 'gave_up', rounds: 6 });
    expect(record!.attempts).toHaveLength(6);
    expect(record!.attempts[0]).toMatchObject({
      provider: 'texts',
      outcome: 'unavailable',
      answer: 'no route to <private> with code <private>',
    });
    expect(await dead()).toMatchObject([{ attempts: 6 }]);
    const causes = logged.map(({ fields }) => String(fields.cause));
    expect(causes.join()).toContain('texts: no route to <private>');
    expect(JSON.stringify([record, await dead(), causes])).not.toContain('314159');
    expect(JSON.stringify([record, causes])).not.toContain('17012345678');
    failing = false;
    await replay(store, clock);
    await drain();
    expect(texts).toHaveLength(1);
    expect((await ledger(id, 'sms'))?.status).toBe('sent');
  });

  it('that is given up is told as given up, though the process died in a try before the ledger heard of it', async () => {
    const { emit, drain, clock, ledger, dead, store } = await openNotifications({ sms: away });
    const { id } = await emit(smsSend.with({ recipient: PHONE, ...notice }));
    await drain();
    const [waiting] = await store.messages.peek(NOTIFICATION_REQUESTS.queue, 1);
    clock.at = waiting!.available_at;
    // a consumer takes it and is never heard of again
    await store.messages.claim(NOTIFICATION_REQUESTS.queue, { limit: 1, lease_ms: 1_000 });
    for (let tries = 0; tries < 8; tries++) {
      clock.pass(800_000);
      await drain();
    }
    expect(await dead()).toMatchObject([{ attempts: 6 }]);
    expect(await ledger(id, 'sms')).toMatchObject({ status: 'failed', reason: 'gave_up', rounds: 5 });
  });

  it('that is replayed and fails again is told as tried again, for it is', async () => {
    let failing = true;
    const rig = await openNotifications({ sms: () => void (failing && away()) });
    const id = await rig.tell(smsSend.with({ recipient: PHONE, ...notice }));
    const wait = async (tries: number): Promise<void> => {
      for (let tried = 0; tried < tries; tried++) {
        rig.clock.pass(800_000);
        await rig.drain();
      }
    };
    await wait(8);
    expect(await rig.ledger(id, 'sms')).toMatchObject({ status: 'failed', reason: 'gave_up' });
    await replay(rig.store, rig.clock);
    await rig.drain();
    expect(await rig.ledger(id, 'sms')).toMatchObject({ status: 'retrying', rounds: 7 });
    expect(await rig.ledger(id, 'sms')).not.toHaveProperty('reason');
    failing = false;
    await wait(1);
    expect(await rig.ledger(id, 'sms')).toMatchObject({ status: 'sent', rounds: 8 });
  });

  it('whose code nobody can open is told as refused, and parked', async () => {
    const { tell, ledger, dead, texts } = await openNotifications();
    const id = await tell(code({ template_data: { token: 'forged', expires_at: '2026-05-09T20:00:00.000Z' } }));
    expect(await ledger(id, 'sms')).toMatchObject({ status: 'failed', reason: 'refused', attempts: [] });
    expect([texts.length, (await dead()).length]).toEqual([0, 1]);
  });

  it('with a code is not sent late, also by the second provider', async () => {
    const rig = await openNotifications();
    const hanging: Channel<Sms> = {
      send: async (_, heard) => {
        rig.clock.pass(600_000);
        heard?.({ provider: 'first', outcome: 'unavailable' });
        throw new AppError('unavailable');
      },
    };
    const second = (rig.host.ports as { sms: Channel<Sms> }).sms;
    Object.assign(rig.host.ports, { sms: inOrder([hanging, second], rig.clock) });
    const id = await rig.tell(code());
    expect(rig.texts).toEqual([]);
    const record = await rig.ledger(id, 'sms');
    expect(record).toMatchObject({ status: 'expired', attempts: [{ provider: 'first', outcome: 'unavailable' }] });
    rig.clock.pass(800_000);
    await rig.drain();
    expect([rig.texts.length, await rig.dead()]).toEqual([0, []]);
  });

  it('is not sent a second time while the first is just being sent', async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const rig = await openNotifications({ sms: () => held });
    const row = await rig.emit(code());
    const first = rig.drain();
    while ((await rig.ledger(row.id, 'sms'))?.status !== 'sending') await new Promise(setImmediate);
    // another bus brings the same event under another id of its own
    const queue = 'notification-service.notification_requests';
    const enqueue = [{ queue, id: 'again', available_at: rig.clock.now(), body: row.body }];
    await rig.store.transact([], { enqueue });
    while ((await rig.store.messages.peek(queue, 10)).every(({ id, attempts }) => id !== 'again' || attempts === 0)) {
      await new Promise(setImmediate);
    }
    release();
    await first;
    rig.clock.pass(800_000);
    await rig.drain();
    expect(rig.texts).toHaveLength(1);
    expect(await rig.dead()).toEqual([]);
  });

  it(`goes to one number ${SMS_A_DAY} times a day at most`, async () => {
    const { tell, texts, ledger, clock } = await openNotifications();
    let last = '';
    for (let at = 0; at <= SMS_A_DAY; at++) {
      if (at % HOURLY.sms.template === 0) clock.pass(3_600_000);
      last = await tell(smsSend.with({ recipient: PHONE, ...notice }));
    }
    expect(texts).toHaveLength(SMS_A_DAY);
    expect(await ledger(last, 'sms')).toMatchObject({ status: 'suppressed', reason: 'too_many' });
    await tell(smsSend.with({ recipient: '+4917012345679', ...notice }));
    clock.pass(86_400_000);
    await tell(smsSend.with({ recipient: PHONE, ...notice }));
    expect(texts).toHaveLength(SMS_A_DAY + 2);
  });

  it('goes to one number five times an hour at most; what one kind used up leaves the others their part', async () => {
    const { tell, texts, ledger, clock } = await openNotifications();
    const to = { recipient: PHONE, ...notice };
    const all: string[] = [];
    for (let at = 0; at < 20; at++) all.push(await tell(smsSend.with(to, { user_id: 'u1' })));
    expect(texts).toHaveLength(HOURLY.sms.template);
    const verdicts = await Promise.all(all.map((id) => ledger(id, 'sms')));
    expect(verdicts.filter((each) => each?.reason === 'too_many')).toHaveLength(20 - HOURLY.sms.template);
    const token = testSealer.seal('123456', 'verification-code');
    const template_data = { token, expires_at: new Date(clock.now() + 60_000).toISOString() };
    await tell(smsSend.with({ recipient: PHONE, template_name: 'verification_code', template_data }));
    expect(texts).toHaveLength(HOURLY.sms.template + 1);
    clock.pass(3_600_000);
    await tell(smsSend.with(to));
    expect(texts).toHaveLength(HOURLY.sms.template + 2);
  });

  it('goes to one user ten times an hour at most, whatever the number and the kind', async () => {
    const { tell, texts } = await openNotifications();
    for (let at = 0; at < 20; at++) {
      await tell(smsSend.with({ recipient: `+491701234${500 + at}`, ...notice }, { user_id: 'u1' }));
    }
    expect(texts).toHaveLength(HOURLY.sms.recipient);
  });

  it('by mail goes to one mailbox ten times an hour at most, whatever stands behind its plus', async () => {
    const { tell, mails, store } = await openNotifications();
    const mail = { ...notice, subject: '' };
    for (let at = 0; at < 20; at++) await tell(emailSend.with({ recipient: `mike+${at}@example.org`, ...mail }));
    expect(mails).toHaveLength(HOURLY.email.template);
    await tell(emailSend.with({ recipient: 'michael@example.org', ...mail }));
    expect(mails).toHaveLength(HOURLY.email.template + 1);
    expect(await store.get(messageCounts, 'mike@example.org')).toBeUndefined();
  });

  it('is suppressed where no provider is set, and parked nowhere', async () => {
    const rig = await openNotifications({
      sms: () => {
        throw new AppError('unimplemented');
      },
    });
    const id = await rig.tell(smsSend.with({ recipient: PHONE, ...notice }));
    expect(await rig.ledger(id, 'sms')).toMatchObject({ status: 'suppressed', reason: 'no_provider' });
    expect(await rig.dead()).toEqual([]);
  });

  it('waits for no other message of the same user that is tried again', async () => {
    const { emit, drain, texts } = await openNotifications({ mail: away });
    await emit(emailSend.with({ recipient: 'u1@example.org', subject: '', ...notice }, { user_id: 'u1' }));
    await emit(code());
    await drain();
    expect(texts).toHaveLength(1);
  });
});

describe('a push message', () => {
  const event = (more: object = {}) => pushSend.with({ recipient: 'u1', ...notice, ...more }, { user_id: 'u1' });

  it('reaches every device of its user once, also when one of them was away', async () => {
    let failing = true;
    const rig = await openNotifications({
      push: ({ target }) => void (failing && target.kind === 'web' && target.endpoint.endsWith('two') && away()),
    });
    for (const name of ['one', 'two', 'three']) await rig.as('u1', addDevice, subscription(name));
    await rig.as('u2', addDevice, subscription('stranger'));
    const id = await rig.tell(event());
    expect(rig.pushes).toHaveLength(2);
    expect((await rig.ledger(id, 'push'))?.status).toBe('retrying');
    failing = false;
    rig.clock.pass(10_000);
    await rig.drain();
    const reached = rig.pushes.map(({ target }) => (target as { endpoint: string }).endpoint.split('/').at(-1));
    expect(reached.sort()).toEqual(['one', 'three', 'two']);
    const record = await rig.ledger(id, 'push');
    expect(record?.status).toBe('sent');
    expect(record?.attempts.map(({ outcome }) => outcome).sort()).toEqual(['sent', 'sent', 'sent', 'unavailable']);
    expect(JSON.stringify(record)).not.toContain('push.example.org');
  });

  it('forgets a device that is gone, and says so', async () => {
    const rig = await openNotifications({
      push: () => {
        throw new AppError('not_found', { cause: new Error('status 410') });
      },
    });
    await rig.as('u1', addDevice, subscription('one'));
    const id = await rig.tell(event());
    expect(await rig.ledger(id, 'push')).toMatchObject({
      status: 'suppressed',
      reason: 'no_device',
      attempts: [{ outcome: 'gone', answer: 'status 410' }],
    });
    const next = await rig.tell(event());
    expect(await rig.ledger(next, 'push')).toMatchObject({ reason: 'no_device', attempts: [] });
    expect(await rig.dead()).toEqual([]);
  });

  it('waits for a device no longer than the message is good for', async () => {
    const { tell, as, pushes } = await openNotifications();
    await as('u1', addDevice, subscription('one'));
    await tell(event({ expires_at: '2026-05-09T12:05:00Z' }));
    await tell(event());
    const template_data = { token: testSealer.seal('314159', 'verification-code'), expires_at: '2026-05-09T12:10:00Z' };
    await tell(event({ template_name: 'verification_code', template_data }));
    expect(pushes.map(({ ttl }) => ttl)).toEqual([300, 86_400, 600]);
  });
});

describe('the inbox', () => {
  it('keeps no token', async () => {
    const { tell, as, ledger } = await openNotifications();
    const template_data = { token: testSealer.seal('314159', 'verification-code'), expires_at: '2026-05-10T12:00:00Z' };
    const id = await tell(realtimeSend.with({ recipient: 'u1', template_name: 'verification_code', template_data }));
    expect((await ledger(id, 'realtime'))?.status ?? 'none').not.toBe('sent');
    expect((await as('u1', listNotifications)).notifications).toEqual([]);
  });
});
