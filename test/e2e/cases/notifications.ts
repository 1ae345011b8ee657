import { randomInt } from 'node:crypto';
import { expect } from 'vitest';
import { login } from '../../../functions/auth/login.ts';
import { ackNotification } from '../../../functions/notifications/ack-notification.ts';
import { addDevice } from '../../../functions/notifications/add-device.ts';
import { getDeliveries } from '../../../functions/notifications/get-deliveries.ts';
import { getPreferences } from '../../../functions/notifications/get-preferences.ts';
import { getPushKey } from '../../../functions/notifications/get-push-key.ts';
import { listNotifications } from '../../../functions/notifications/list-notifications.ts';
import { readNotification } from '../../../functions/notifications/read-notification.ts';
import { removeDevice } from '../../../functions/notifications/remove-device.ts';
import { sendNotification } from '../../../functions/notifications/send-notification.ts';
import { setPreferences } from '../../../functions/notifications/set-preferences.ts';
import { newBrowser } from '../../engines/push-service.ts';
import { type Case, expectOk, provePhone, userWithSession } from '../world.ts';

export const notifications: Case[] = [
  {
    name: 'a message of a service reaches a user by mail, text message, push and inbox, and the service sees each try',
    run: async (world) => {
      const { access_token: token, user_id, email } = await userWithSession(world);
      const phone_number = `+49170${randomInt(1_000_000, 9_999_999)}`;
      await provePhone(world, phone_number, token);
      const { public_key, auth } = newBrowser();
      const endpoint = `https://push.example.org/${user_id}`;
      const device = await expectOk(world.call(addDevice, { endpoint, keys: { p256dh: public_key, auth } }, { token }));
      const sending = {
        user_id,
        channels: ['email', 'sms', 'push', 'realtime'],
        category: 'security',
        template_name: 'notice',
        template_data: { title: 'Planned work', text: `For ${user_id}` },
      };
      expect((await world.call(sendNotification, sending)).code).toBe('unauthenticated');
      expect((await world.call(sendNotification, sending, { token })).code).toBe('forbidden');
      const service = { token: world.service_token };
      const { id } = await expectOk(world.call(sendNotification, sending, service));
      expect((await world.mails(email))[0]).toMatchObject({ channel: 'email', subject: 'Planned work' });
      expect((await world.mails(phone_number))[0]).toMatchObject({ channel: 'sms', text: `For ${user_id}` });
      const pushed = (await world.mails('push.example.org')).filter(({ text }) => text.includes(user_id));
      expect(pushed).toMatchObject([{ channel: 'push', subject: 'Planned work' }]);
      const { deliveries } = await expectOk(world.call(getDeliveries, { id }, service));
      expect(deliveries.map(({ channel, status }: any) => [channel, status])).toEqual(
        sending.channels.map((channel) => [channel, 'sent']),
      );
      for (const { attempts } of deliveries) expect(attempts).toMatchObject([{ outcome: 'sent' }]);
      expect(JSON.stringify(deliveries)).not.toMatch(new RegExp(`${email}|\\${phone_number}|push\\.example`));
      expect((await world.call(getDeliveries, { id }, { token })).code).toBe('forbidden');
      const inbox = async () => {
        const { notifications: all } = await expectOk(world.call(listNotifications, {}, { token }));
        // beside it, the new number is told
        return all.filter((each: { id: string }) => each.id === id);
      };
      expect(await inbox()).toMatchObject([{ id, title: 'Planned work', category: 'security', read: false }]);
      for (let times = 0; times < 2; times++) await expectOk(world.call(ackNotification, { id }, { token }));
      expect(await inbox()).toMatchObject([{ id, read: false }]);
      await expectOk(world.call(readNotification, { id }, { token }));
      expect(await inbox()).toMatchObject([{ id, read: true }]);
      await expectOk(world.call(removeDevice, { id: device.id }, { token }));
      expect((await world.call(removeDevice, { id: device.id }, { token })).code).toBe('not_found');
    },
  },
  {
    name: 'a user chooses which messages come which way, but hears of the safety of the account by mail in any case',
    run: async (world) => {
      const { access_token: token, user_id, email } = await userWithSession(world);
      const before = await expectOk(world.call(getPreferences, {}, { token }));
      expect(before.security.email).toBe(true);
      const change = { account: { email: false } };
      const after = await expectOk(world.call(setPreferences, change, { token }));
      expect(after).toEqual({ ...before, account: { ...before.account, email: false } });
      expect(await expectOk(world.call(getPreferences, {}, { token }))).toEqual(after);
      const refused = await world.call(setPreferences, { security: { email: false } }, { token });
      expect(refused).toMatchObject({ code: 'invalid_request', errors: [{ path: 'security.email' }] });
      const { public_key } = await expectOk(world.call(getPushKey, {}, { token }));
      expect(Buffer.from(public_key, 'base64url')).toHaveLength(65);
      const sending = { user_id, channels: ['email'], template_name: 'notice' };
      for (const category of ['account', 'security']) {
        const template_data = { title: category, text: 'text' };
        const request = { ...sending, category, template_data };
        await expectOk(world.call(sendNotification, request, { token: world.service_token }));
      }
      const subjects = (await world.mails(email)).map(({ subject }) => subject);
      expect(subjects).toContain('security');
      expect(subjects).not.toContain('account');
    },
  },
  {
    name: 'a login that failed is told to the owner of the account, once for many',
    run: async (world) => {
      const { email } = await userWithSession(world);
      for (let tries = 0; tries < 3; tries++) {
        const outcome = await world.call(login, { identifier: email, password: 'not the password at all' });
        expect(outcome.code).toBe('invalid_credentials');
      }
      const subjects = (await world.mails(email)).map(({ subject }) => subject);
      expect(subjects.filter((subject) => subject === 'A login to your account failed')).toHaveLength(1);
    },
  },
];
