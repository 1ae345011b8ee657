import { addDevice } from '../../../functions/notifications/add-device.ts';
import { issueTicket } from '../../../functions/notifications/issue-ticket.ts';
import { sendNotification } from '../../../functions/notifications/send-notification.ts';
import { expectOk, userWithSession, verified, type World } from '../../e2e/world.ts';
import { newBrowser } from '../../engines/push-service.ts';
import { asEvent, asService, type Call, type Samples } from './sample.ts';

/** What a browser registers that takes Web Push. */
export const newDevice = () => {
  const { public_key, auth } = newBrowser();
  return { endpoint: `https://push.example.org/${crypto.randomUUID()}`, keys: { p256dh: public_key, auth } };
};

const notice = (user_id: string) => ({
  user_id,
  channels: ['realtime'],
  category: 'account',
  template_name: 'notice',
  template_data: { title: 'Planned work', text: 'Tonight' },
});

const mine =
  (input: (world: World, user: { user_id: string; token: string }) => Promise<object> | object) =>
  async (world: World): Promise<Call> => {
    const { user_id, access_token: token } = await userWithSession(world);
    return { input: await input(world, { user_id, token }), token };
  };

const sent = async (world: World, user_id: string): Promise<{ id: string }> => {
  const { id } = await expectOk(world.call(sendNotification, notice(user_id), { token: world.service_token }));
  await world.mails('nobody');
  return { id };
};

const about = async (world: World) => {
  const { user_id, email } = await verified(world);
  return { user_id, email };
};

export const notifications: Samples = {
  'notifications.export-user': asService(async (world) => ({ user_id: (await verified(world)).user_id })),
  'notifications.list-connected': asService(async (world) => ({ user_id: (await verified(world)).user_id })),
  'notifications.list-notifications': mine(() => ({})),
  'notifications.read-notification': mine((world, { user_id }) => sent(world, user_id)),
  'notifications.ack-notification': mine((world, { user_id }) => sent(world, user_id)),
  'notifications.get-preferences': mine(() => ({})),
  'notifications.set-preferences': mine(() => ({ account: { email: false } })),
  'notifications.get-push-key': mine(() => ({})),
  'notifications.add-device': mine(() => newDevice()),
  'notifications.remove-device': mine(async (world, { token }) => {
    const { id } = await expectOk(world.call(addDevice, newDevice(), { token }));
    return { id };
  }),
  'notifications.send-notification': asService(async (world) => notice((await verified(world)).user_id)),
  'notifications.get-deliveries': asService(async (world) => sent(world, (await verified(world)).user_id)),
  'notifications.issue-ticket': mine(() => ({})),
  'notifications.redeem-ticket': asService(async (world) => {
    const { access_token: token } = await userWithSession(world);
    const { ticket } = await expectOk(world.call(issueTicket, {}, { token }));
    return { ticket };
  }),
  'notifications.watch': mine(() => ({})),
  'notifications.on-user-registered': asEvent('user.registered', about),
  'notifications.on-user-password-changed': asEvent('user.password_changed', about),
  'notifications.on-user-mfa-changed': asEvent('user.mfa_enabled', about),
  'notifications.on-risky-login': asEvent('user.login', async (world) => ({
    ...(await about(world)),
    login_successful: false,
  })),
  'notifications.on-user-deleted': asEvent('user.deleted', async (world) => ({
    user_id: (await about(world)).user_id,
  })),
  'notifications.on-email-send': asEvent('notification.email.send', () => ({
    template_name: 'notice',
    template_data: { title: 'Planned work', text: 'Tonight' },
  })),
  'notifications.on-sms-send': asEvent('notification.sms.send'),
  'notifications.on-push-send': asEvent('notification.push.send'),
  'notifications.on-realtime-send': asEvent('notification.realtime.send'),
  'notifications.on-realtime-frame': asEvent('realtime.frame'),
  'notifications.on-security-alert': asEvent('security.alert', async (world) => ({
    user_id: (await about(world)).user_id,
  })),
  'notifications.on-account-locked': asEvent('security.account_locked', async (world) => ({
    user_id: (await about(world)).user_id,
  })),
};
