import { describe, expect, it } from 'vitest';
import { addDevice } from '../../../functions/notifications/add-device.ts';
import { realtimeSend } from '../../../functions/notifications/events.ts';
import { getPreferences } from '../../../functions/notifications/get-preferences.ts';
import { getPushKey } from '../../../functions/notifications/get-push-key.ts';
import { listNotifications } from '../../../functions/notifications/list-notifications.ts';
import { MAX_DEVICES, NewDevice } from '../../../functions/notifications/model.ts';
import { readNotification } from '../../../functions/notifications/read-notification.ts';
import { devices, inbox, preferences } from '../../../functions/notifications/records.ts';
import { removeDevice } from '../../../functions/notifications/remove-device.ts';
import { setPreferences } from '../../../functions/notifications/set-preferences.ts';
import { userDeleted } from '../../../functions/users/events.ts';
import { newBrowser } from '../../engines/push-service.ts';
import { openNotifications } from './rig.ts';

const { public_key, auth } = newBrowser();
const keys = { p256dh: public_key, auth };
const subscription = (name: string) => ({ endpoint: `https://push.example.org/${name}`, keys });
const news = (title: string, recipient = 'u1') =>
  realtimeSend.with({ recipient, template_name: 'notice', template_data: { title, text: 'text' } });

describe('preferences', () => {
  it('are what is safe until a user chooses, and what is left out stays', async () => {
    const { as } = await openNotifications();
    const all = { email: true, sms: true, push: true, realtime: true };
    expect((await as('u1', getPreferences)).security).toEqual(all);
    await as('u1', setPreferences, { security: { sms: false }, product: { push: true } });
    const changed = await as('u1', setPreferences, { product: { email: true } });
    expect(changed.security).toEqual({ ...all, sms: false });
    expect(changed.product).toMatchObject({ email: true, push: true, sms: false });
    expect(await as('u1', getPreferences)).toEqual(changed);
    expect((await as('u2', getPreferences)).security).toEqual(all);
  });

  it('never switch off mails about the security of an account', async () => {
    const { as } = await openNotifications();
    for (const security of [{ email: false }, { email: false, sms: true }]) {
      await expect(as('u1', setPreferences, { security })).rejects.toMatchObject({ code: 'invalid_request' });
    }
    expect((await as('u1', setPreferences, { security: { email: true } })).security.email).toBe(true);
  });

  it('know no other categories, channels and answers', async () => {
    const { as } = await openNotifications();
    for (const change of [{ other: {} }, { account: { fax: true } }, { account: { sms: 'yes' } }, { account: null }]) {
      await expect(as('u1', setPreferences, change)).rejects.toMatchObject({ code: 'invalid_request' });
    }
  });
});

describe('the inbox', () => {
  it('shows the newest first, page by page, and only the own', async () => {
    const { as, tell, clock } = await openNotifications();
    for (let at = 1; at <= 5; at++) {
      clock.pass(1_000);
      await tell(news(`n${at}`));
    }
    await tell(news('not yours', 'u2'));
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await as('u1', listNotifications, { limit: 2, ...(cursor && { cursor }) });
      seen.push(...page.notifications.map(({ title }: { title: string }) => title));
      cursor = page.next_cursor;
    } while (cursor);
    expect(seen).toEqual(['n5', 'n4', 'n3', 'n2', 'n1']);
  });

  it('remembers what was read, again and again the same; what is not the own is unknown', async () => {
    const { as, tell } = await openNotifications();
    const id = await tell(news('one'));
    await expect(as('u2', readNotification, { id })).rejects.toMatchObject({ code: 'not_found' });
    expect((await as('u1', listNotifications)).notifications[0].read).toBe(false);
    for (let times = 0; times < 2; times++) await as('u1', readNotification, { id });
    expect((await as('u1', listNotifications)).notifications[0].read).toBe(true);
    await expect(as('u1', readNotification, { id: 'none' })).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('a device', () => {
  it('is known by the same id each time, and belongs to who registered it last', async () => {
    const { as, store } = await openNotifications();
    const { id } = await as('u1', addDevice, { ...subscription('one'), expirationTime: null });
    expect(await as('u1', addDevice, subscription('one'))).toEqual({ id });
    expect(await as('u2', addDevice, subscription('one'))).toEqual({ id });
    expect((await store.get(devices, id))?.value.user_id).toBe('u2');
    expect(id).not.toContain('push.example.org');
  });

  it('is removed by its owner and by nobody else', async () => {
    const { as, store } = await openNotifications();
    const { id } = await as('u1', addDevice, subscription('one'));
    await expect(as('u2', removeDevice, { id })).rejects.toMatchObject({ code: 'not_found' });
    await as('u1', removeDevice, { id });
    await expect(as('u1', removeDevice, { id })).rejects.toMatchObject({ code: 'not_found' });
    expect(await store.get(devices, id)).toBeUndefined();
  });

  it(`beyond ${MAX_DEVICES} takes the place of the one that was registered first`, async () => {
    const { as, store, clock } = await openNotifications();
    const ids: string[] = [];
    for (let at = 0; at <= MAX_DEVICES; at++) {
      clock.pass(1_000);
      ids.push((await as('u1', addDevice, subscription(`d${at}`))).id);
    }
    const kept = (await store.query(devices, 'by_user', 'u1', {})).items.map(({ id }) => id);
    expect(kept).toEqual(ids.slice(1));
  });

  const arn = 'arn:aws:sns:eu-central-1:123456789012:endpoint/GCM/app/6f9b0c1e-0000-4000-8000-0123456789ab';
  it.each<[string, object]>([
    ['a page that is not https', { ...subscription('x'), endpoint: 'http://push.example.org/x' }],
    ['this machine', { ...subscription('x'), endpoint: 'https://localhost/x' }],
    ['an address of a network', { ...subscription('x'), endpoint: 'https://169.254.169.254/latest' }],
    ['an address in another form', { ...subscription('x'), endpoint: 'https://2130706433/' }],
    ['an address of IPv6', { ...subscription('x'), endpoint: 'https://[::1]/x' }],
    ['another port', { ...subscription('x'), endpoint: 'https://push.example.org:22/x' }],
    ['a name with a password', { ...subscription('x'), endpoint: 'https://a:b@push.example.org/x' }],
    ['an internal name', { ...subscription('x'), endpoint: 'https://metadata.google.internal/x' }],
    ['a key that is none', { ...subscription('x'), keys: { ...keys, p256dh: 'AAAA' } }],
    ['a secret that is too short', { ...subscription('x'), keys: { ...keys, auth: 'AAAA' } }],
    ['no keys', { endpoint: 'https://push.example.org/x' }],
    ['both kinds at once', { ...subscription('x'), endpoint_arn: arn }],
    ['a topic of SNS', { endpoint_arn: 'arn:aws:sns:eu-central-1:123456789012:everybody' }],
    ['nothing', {}],
  ])('with %s is refused', (_, device) => expect(NewDevice.safeParse(device).success).toBe(false));

  it('of an SNS application is one too', async () => {
    const { as } = await openNotifications();
    expect((await as('u1', addDevice, { endpoint_arn: arn })).id).toMatch(/^[\w-]{32}$/);
  });

  it('subscribes with the key of the platform', async () => {
    const { as } = await openNotifications();
    expect(await as('u1', getPushKey)).toEqual({ public_key: 'BKey' });
  });
});

describe('of a deleted user', () => {
  it('nothing stays: no inbox, no devices, no preferences; others keep theirs', async () => {
    const { as, tell, store } = await openNotifications();
    for (const user of ['u1', 'u2']) {
      for (let at = 0; at < 3; at++) await tell(news(`n${at}`, user));
      await as(user, addDevice, subscription(user));
      await as(user, setPreferences, { account: { sms: true } });
    }
    await tell(userDeleted.with({ user_id: 'u1' }, { user_id: 'u1' }));
    const left = async (user: string) => [
      (await store.query(inbox, 'by_user', user, {})).items.length,
      (await store.query(devices, 'by_user', user, {})).items.length,
      (await store.get(preferences, user)) ? 1 : 0,
    ];
    expect(await left('u1')).toEqual([0, 0, 0]);
    expect(await left('u2')).toEqual([3, 1, 1]);
  });
});
