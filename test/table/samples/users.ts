import { updateMe } from '../../../functions/users/update-me.ts';
import { askedFor, moved, wayBack } from '../../e2e/cases/addresses.ts';
import {
  codeIn,
  expectOk,
  newEmail,
  newNumber,
  PASSWORD,
  registered,
  userWithSession,
  verified,
} from '../../e2e/world.ts';
import { resetToken } from './auth.ts';
import { asEvent, asService, CLIENT, type Samples } from './sample.ts';

const NEXT = 'quiet tractors hum in violet';

export const users: Samples = {
  'users.create-user': asService(() => ({ email: newEmail(), password: PASSWORD, ...CLIENT })),
  'users.verify-email': asService(async (world) => ({ token: (await registered(world)).token })),
  'users.find-account': asService(async (world) => ({ identifier: (await verified(world)).email })),
  'users.check-password': asService(async (world) => ({
    user_id: (await verified(world)).user_id,
    password: PASSWORD,
  })),
  'users.change-password': asService(async (world) => ({
    user_id: (await verified(world)).user_id,
    current_password: PASSWORD,
    new_password: NEXT,
    ...CLIENT,
  })),
  'users.request-password-reset': asService(async (world) => ({ email: (await verified(world)).email, ...CLIENT })),
  'users.on-password-reset-requested': asEvent('user.password_reset_requested', async (world) => ({
    email: (await verified(world)).email,
  })),
  'users.reset-password': asService(async (world) => ({
    token: await resetToken(world),
    new_password: NEXT,
    ...CLIENT,
  })),
  'users.get-me': async (world) => ({ input: {}, token: (await userWithSession(world)).access_token }),
  'users.export-me': async (world) => ({ input: {}, token: (await userWithSession(world)).access_token }),
  'users.update-me': async (world) => ({
    input: { first_name: 'Grace' },
    token: (await userWithSession(world)).access_token,
  }),
  'users.request-email-change': async (world) => ({
    input: { email: newEmail(), password: PASSWORD },
    token: (await userWithSession(world)).access_token,
  }),
  'users.confirm-email': asService(async (world) => {
    const { access_token } = await userWithSession(world);
    return { token: await askedFor(world, access_token, newEmail()), ...CLIENT };
  }),
  'users.undo-email': asService(async (world) => ({
    token: await wayBack(world, (await moved(world)).email),
    ...CLIENT,
  })),
  'users.send-phone-code': async (world) => ({
    input: {},
    token: (await userWithSession(world, { phone_number: newNumber() })).access_token,
  }),
  'users.confirm-phone': async (world) => {
    const { access_token: token } = await userWithSession(world);
    const phone_number = newNumber();
    await expectOk(world.call(updateMe, { phone_number, password: PASSWORD }, { token }));
    return { input: { code: codeIn((await world.mails(phone_number))[0]) }, token };
  },
  'users.get-user': asService(async (world) => ({ user_id: (await verified(world)).user_id })),
  'users.update-user-status': asService(async (world) => ({
    user_id: (await verified(world)).user_id,
    status: 'suspended',
  })),
  'users.get-users': asService(async (world) => ({ user_ids: [(await verified(world)).user_id, 'nobody'] })),
  'users.update-profile': asService(async (world) => ({ user_id: (await verified(world)).user_id, profile: {} })),
  'users.export-users': asService(async (world) => ({ after: (await verified(world)).user_id.replace(/.$/, '0') })),
  'users.import-users': asService(() => ({ email: newEmail() })),
  'users.list-users': asService(async (world) => ({ q: (await verified(world)).email })),
  'users.verify-password': asService(async (world) => ({
    user_id: (await verified(world)).user_id,
    password: PASSWORD,
  })),
  'users.record-login': asService(async (world) => ({
    user_id: (await verified(world)).user_id,
    ip_address: '203.0.113.7',
    login_successful: true,
    location: { country: 'GB' },
    risk_score: 0.2,
  })),
  'users.get-login-history': asService(async (world) => ({ user_id: (await verified(world)).user_id })),
  'users.report-not-me': async (world) => ({ input: {}, token: (await userWithSession(world)).access_token }),
  'users.delete-me': async (world) => ({ input: {}, token: (await userWithSession(world)).access_token }),
  'users.get-account': asService(async (world) => ({ user_id: (await verified(world)).user_id })),
  'users.get-accounts': asService(async (world) => ({ user_ids: [(await verified(world)).user_id, 'nobody'] })),
  'users.raise-generation': asService(async (world) => ({ user_id: (await verified(world)).user_id })),
  'users.note-factors': asService(async (world) => ({
    user_id: (await verified(world)).user_id,
    mfa_enabled: true,
    changed_at: 1_767_225_600_000,
  })),
  'users.on-user-mfa-changed': asEvent('user.mfa_enabled', async (world) => ({
    user_id: (await verified(world)).user_id,
  })),
  'users.remove-administrator': asService(async (world) => ({ user_id: (await verified(world)).user_id })),
  'users.add-administrator': asService(async (world) => ({ user_id: (await verified(world)).user_id })),
  'users.get-contact': asService(async (world) => ({ user_id: (await verified(world)).user_id })),
  'users.on-user-deleted': asEvent('user.deleted', async (world) => ({ user_id: (await verified(world)).user_id })),
  'users.on-user-login': asEvent('user.login', async (world) => {
    const { user_id, email } = await verified(world);
    return { user_id, email, login_successful: true };
  }),
};
