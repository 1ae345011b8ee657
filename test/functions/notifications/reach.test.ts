/** A message of the inbox that no device takes goes on by push, then by mail, as its user wants it. */
import { describe, expect, it } from 'vitest';
import { ackNotification } from '../../../functions/notifications/ack-notification.ts';
import { addDevice } from '../../../functions/notifications/add-device.ts';
import { readNotification } from '../../../functions/notifications/read-notification.ts';
import { sendNotification } from '../../../functions/notifications/send-notification.ts';
import { setPreferences } from '../../../functions/notifications/set-preferences.ts';
import { newBrowser } from '../../engines/push-service.ts';
import { openNotifications } from './rig.ts';

const notice = { template_name: 'notice', template_data: { title: 'News', text: 'There is news' } };

/** A user with a phone, who is told something that is to reach him within two minutes. */
const told = async (more: object = {}, prepare: (rig: Opened) => Promise<unknown> = async () => {}) => {
  const rig = await openNotifications();
  await rig.addUser();
  const { public_key, auth } = newBrowser();
  await rig.as('u1', addDevice, { endpoint: 'https://push.example.org/one', keys: { p256dh: public_key, auth } });
  await prepare(rig);
  const asked = { user_id: 'u1', channels: ['realtime'], fallback_after: 60, ...notice, ...more };
  const { id } = await rig.ask(sendNotification, asked);
  await rig.drain();
  const later = async (seconds: number): Promise<void> => {
    rig.clock.pass(seconds * 1_000);
    await rig.drain();
  };
  const states = async () => [(await rig.ledger(id, 'push'))?.status, (await rig.ledger(id, 'email'))?.status];
  return { ...rig, id, later, states };
};
type Opened = Awaited<ReturnType<typeof openNotifications>>;

describe('a message that is to reach somebody', () => {
  it('waits, is pushed, waits again, and is mailed', async () => {
    const { later, states, pushes, mails } = await told();
    expect(await states()).toEqual(['deferred', 'deferred']);
    await later(59);
    expect([pushes.length, mails.length]).toEqual([0, 0]);
    await later(1);
    expect(await states()).toEqual(['sent', 'deferred']);
    expect([pushes.length, mails.length]).toEqual([1, 0]);
    await later(60);
    expect(await states()).toEqual(['sent', 'sent']);
    expect(mails).toMatchObject([{ to: 'u1@example.org', subject: 'News' }]);
  });

  it.each([
    ['acknowledged', ackNotification],
    ['read', readNotification],
  ])('goes no other way once it was %s', async (_, op) => {
    const { id, as, later, states, ledger, pushes, mails } = await told();
    await as('u1', op, { id });
    await as('u1', op, { id });
    await later(130);
    expect(await states()).toEqual(['suppressed', 'suppressed']);
    expect((await ledger(id, 'email'))?.reason).toBe('taken');
    expect([pushes.length, mails.length]).toEqual([0, 0]);
  });

  it('is not mailed when the push brought its reader', async () => {
    const { id, as, later, states } = await told();
    await later(60);
    await as('u1', readNotification, { id });
    await later(60);
    expect(await states()).toEqual(['sent', 'suppressed']);
  });

  it('goes no way that its user does not want', async () => {
    const { later, ledger, id, mails } = await told({ category: 'account' }, ({ as }) =>
      as('u1', setPreferences, { account: { push: false, email: false } }),
    );
    await later(130);
    expect(await ledger(id, 'push')).toMatchObject({ status: 'suppressed', reason: 'preference' });
    expect(await ledger(id, 'email')).toMatchObject({ status: 'suppressed', reason: 'preference' });
    expect(mails).toEqual([]);
  });

  it('is sent at once by the ways that are asked for, and follows by the others', async () => {
    const { later, states, mails, pushes } = await told({ channels: ['realtime', 'email'] });
    expect(mails).toHaveLength(1);
    await later(130);
    expect(await states()).toEqual(['sent', 'sent']);
    expect([pushes.length, mails.length]).toEqual([1, 1]);
  });

  it('follows nobody after it expired, and counts its wait from when it is due', async () => {
    const expires_at = new Date(Date.parse('2026-05-09T12:00:00Z') + 1_000).toISOString();
    const late = await told({ expires_at });
    await late.later(130);
    expect(await late.states()).toEqual(['expired', 'expired']);
    const send_at = new Date((await told()).clock.now() + 100_000).toISOString();
    const due = await told({ send_at });
    await due.later(155);
    expect(await due.states()).toEqual(['deferred', 'deferred']);
    await due.later(10);
    expect(await due.states()).toEqual(['sent', 'deferred']);
  });

  it('is taken by nobody else', async () => {
    const { id, as, later, states } = await told();
    await expect(as('u2', ackNotification, { id })).rejects.toMatchObject({ code: 'not_found' });
    await later(130);
    expect(await states()).toEqual(['sent', 'sent']);
  });

  it('has to go into the inbox', async () => {
    await expect(told({ channels: ['email'] })).rejects.toMatchObject({
      code: 'invalid_request',
      errors: [{ path: 'fallback_after' }],
    });
  });
});
