/** A call for each error that an operation declares. `npm run check` names the errors without one. */
import { logout } from '../../functions/auth/logout.ts';
import { startPasskey } from '../../functions/auth/start-passkey.ts';
import { startTotp } from '../../functions/auth/start-totp.ts';
import { assignRole } from '../../functions/permissions/assign-role.ts';
import { updateMe } from '../../functions/users/update-me.ts';
import { mfaToken, type Protected, userWithApp } from '../e2e/authenticator.ts';
import { askedFor } from '../e2e/cases/addresses.ts';
import { assertionOf, softPasskey, userWithPasskey } from '../e2e/passkey.ts';
import {
  expectOk,
  newEmail,
  newNumber,
  PASSWORD,
  provePhone,
  userWithSession,
  verified,
  type World,
} from '../e2e/world.ts';
import { asClient, resetToken } from './samples/auth.ts';
import { somePolicy, someRole } from './samples/permissions.ts';
import { asEvent, asService, type Call, CLIENT, type Sample } from './samples/sample.ts';

const NEXT = 'quiet tractors hum in violet';
/** Refused by every policy: too short. */
const WEAK = 'short';
const withRole = async (world: World): Promise<{ user_id: string }> => {
  const { user_id } = await verified(world);
  await expectOk(world.call(assignRole, { user_id, role: await someRole(world) }, { token: world.service_token }));
  return { user_id };
};
const POLICY = { effect: 'deny', resources: ['docs'], actions: ['*'] };
/** Has the form of a code, and is none. */
const NO_CODE = 'no-code';
const NOBODY = 'nobody-has-this-id';

const anonymously =
  (input: (world: World) => Promise<object> | object): Sample =>
  async (world) => ({ input: await input(world) });

/** By a user, with a token that is still good when `gone` has happened to the account. */
const asUser =
  (input: (world: World, user: { user_id: string; email: string }) => Promise<object> | object): Sample =>
  async (world): Promise<Call> => {
    const user = await userWithSession(world);
    return { input: await input(world, user), token: user.access_token };
  };

/** To an address that somebody else proved first. */
const lateLink = async (world: World): Promise<string> => {
  const email = newEmail();
  const token = await askedFor(world, (await userWithSession(world)).access_token, email);
  await verified(world, { email });
  return token;
};

/** By a user who has set up an app. */
const asProtected =
  (input: (user: Protected) => object): Sample =>
  async (world): Promise<Call> => {
    const user = await userWithApp(world);
    return { input: input(user), token: user.access_token };
  };

const spentRefreshToken = async (world: World): Promise<string> => {
  const { refresh_token, access_token } = await userWithSession(world);
  await expectOk(world.call(logout, {}, { token: access_token }));
  return refresh_token;
};

const passwordChange = { new_password: NEXT, ...CLIENT };

/** Operations that answer `not_found` when an account vanishes under its own token: their samples are run on such a store. */
export const ERASED: readonly string[] = [
  'auth.change-password',
  'auth.start-passkey',
  'auth.start-totp',
  'users.get-me',
  'users.update-me',
  'users.delete-me',
  'users.report-not-me',
  'users.request-email-change',
  'users.export-me',
  'sessions.end-other-sessions',
];

/** Errors that no single call provokes, and the tests that do. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  'auth.change-password too_many_requests': 'test/e2e/cases/passwords.ts',
  'users.request-email-change too_many_requests': 'test/security/addresses.test.ts',
  'users.confirm-email too_many_requests': 'test/security/addresses.test.ts',
  'sessions.rotate-session too_many_requests': 'test/security/bounds.test.ts',
  'users.delete-me last_administrator': 'test/security/last-administrator.test.ts',
  'users.update-user-status last_administrator': 'test/security/last-administrator.test.ts',
  'users.remove-administrator last_administrator': 'test/security/last-administrator.test.ts',
  'permissions.assign-role last_administrator': 'test/security/last-administrator.test.ts',
  'permissions.revoke-role last_administrator': 'test/security/last-administrator.test.ts',
};

/**
 * By `<operation> <code>`. `conflict` is here only where the sample does not come to a write that can be lost: otherwise
 * it follows from the samples and a store in which somebody else is always first.
 */
export const errorCases: Readonly<Record<string, Sample>> = {
  'auth.register password_refused': anonymously(() => ({ email: newEmail(), password: WEAK })),
  'auth.verify-email invalid_token': anonymously(() => ({ token: 'none-of-ours' })),
  'auth.revoke conflict': anonymously(async (world) => ({ token: (await userWithSession(world)).refresh_token })),
  'auth.revoke invalid_client': anonymously(() => ({ token: 'none-of-ours', client_id: NOBODY, client_secret: 'x' })),
  'auth.introspect invalid_client': anonymously(() => ({ token: 'none-of-ours' })),
  'auth.grant-token invalid_client': anonymously(() => ({ grant_type: 'client_credentials' })),
  'auth.grant-token invalid_grant': anonymously(async (world) => ({
    grant_type: 'refresh_token',
    refresh_token: await spentRefreshToken(world),
  })),
  'auth.grant-token invalid_scope': anonymously(async (world) => ({
    grant_type: 'client_credentials',
    scope: 'docs:write',
    ...(await asClient(world)),
  })),
  'auth.grant-token unsupported_grant_type': anonymously(() => ({ grant_type: 'password' })),
  'auth.grant-token conflict': anonymously(async (world) => ({
    grant_type: 'refresh_token',
    refresh_token: (await userWithSession(world)).refresh_token,
  })),
  'auth.rotate-service not_found': asService(() => ({ client_id: NOBODY })),
  'auth.revoke-service not_found': asService(() => ({ client_id: NOBODY })),
  'sessions.revoke-token conflict': asService(async (world) => ({
    token: (await userWithSession(world)).refresh_token,
  })),
  'auth.login invalid_credentials': anonymously(async (world) => ({
    identifier: (await verified(world)).email,
    password: NEXT,
  })),
  'auth.refresh invalid_refresh_token': anonymously(async (world) => ({
    refresh_token: await spentRefreshToken(world),
  })),
  'auth.login invalid_mfa_code': anonymously(async (world) => {
    const { email } = await userWithApp(world);
    return { identifier: email, password: PASSWORD, mfa_code: NO_CODE };
  }),
  'auth.login conflict': anonymously(async (world) => {
    const { email, recovery_codes } = await userWithApp(world);
    return { identifier: email, password: PASSWORD, mfa_code: recovery_codes[0] };
  }),
  'auth.validate-credentials conflict': asService(async (world) => {
    const { email, recovery_codes } = await userWithApp(world);
    return { identifier: email, password: PASSWORD, mfa_code: recovery_codes[0] };
  }),
  'auth.verify-mfa invalid_mfa_code': anonymously(async (world) => ({
    mfa_token: await mfaToken(world, (await userWithApp(world)).email),
    code: NO_CODE,
  })),
  'auth.verify-mfa invalid_mfa_token': anonymously(() => ({ mfa_token: 'p21m_none', code: NO_CODE })),
  'auth.verify-mfa conflict': anonymously(async (world) => {
    const { email, recovery_codes } = await userWithApp(world);
    return { mfa_token: await mfaToken(world, email), code: recovery_codes[0] };
  }),
  'auth.start-totp already_exists': asProtected(() => ({})),
  'auth.confirm-totp already_exists': asProtected(({ app }) => ({ code: app.code() })),
  'auth.confirm-totp not_found': asUser(() => ({ code: NO_CODE })),
  'auth.confirm-totp invalid_mfa_code': async (world) => {
    const { access_token: token } = await userWithSession(world);
    await expectOk(world.call(startTotp, {}, { token }));
    return { input: { code: NO_CODE }, token };
  },
  'auth.confirm-passkey invalid_token': asUser(() => softPasskey('none').registration({ challenge: 'AAAA' })),
  'auth.confirm-passkey already_exists': async (world) => {
    const { passkey, access_token: token } = await userWithPasskey(world);
    const options = await expectOk(world.call(startPasskey, {}, { token }));
    return { input: passkey.registration(options), token };
  },
  'auth.login-with-passkey invalid_token': anonymously(() => softPasskey('none').assertion({ challenge: 'AAAA' })),
  'auth.login-with-passkey invalid_credentials': anonymously((world) => assertionOf(world, softPasskey('none'))),
  'auth.remove-passkey not_found': asUser(() => ({ id: 'AAAA' })),
  'auth.remove-totp not_found': asUser(() => ({ code: NO_CODE })),
  'auth.remove-totp invalid_mfa_code': asProtected(() => ({ code: NO_CODE })),
  'permissions.get-user-permissions not_found': asService(() => ({ user_id: NOBODY })),
  'permissions.get-user-roles not_found': asService(() => ({ user_id: NOBODY })),
  'auth.reset-factors not_found': asService(async (world) => ({ user_id: (await verified(world)).user_id })),
  'auth.new-recovery-codes not_found': asUser(() => ({ code: NO_CODE })),
  'auth.new-recovery-codes invalid_mfa_code': asProtected(() => ({ code: NO_CODE })),
  'auth.on-user-deleted conflict': asEvent('user.deleted', async (world) => ({
    user_id: (await userWithApp(world)).user_id,
  })),
  'auth.change-password invalid_credentials': asUser(() => ({ current_password: NEXT, new_password: NEXT })),
  'auth.change-password password_refused': asUser(() => ({ current_password: PASSWORD, new_password: WEAK })),
  'auth.reset-password invalid_token': anonymously(() => ({ token: 'none-of-ours', new_password: NEXT })),
  'auth.reset-password password_refused': anonymously(async (world) => ({
    token: await resetToken(world),
    new_password: WEAK,
  })),
  'users.create-user password_refused': asService(() => ({ email: newEmail(), password: WEAK, ...CLIENT })),
  'users.verify-email invalid_token': asService(() => ({ token: 'none-of-ours' })),
  'users.change-password invalid_credentials': asService(async (world) => ({
    user_id: (await verified(world)).user_id,
    current_password: NEXT,
    ...passwordChange,
  })),
  'users.change-password password_refused': asService(async (world) => ({
    user_id: (await verified(world)).user_id,
    current_password: PASSWORD,
    ...passwordChange,
    new_password: WEAK,
  })),
  'users.change-password not_found': asService(() => ({
    user_id: NOBODY,
    current_password: PASSWORD,
    ...passwordChange,
  })),
  'users.reset-password invalid_token': asService(() => ({ token: 'none-of-ours', ...passwordChange })),
  'users.reset-password password_refused': asService(async (world) => ({
    token: await resetToken(world),
    ...CLIENT,
    new_password: WEAK,
  })),
  'users.update-me already_exists': asUser(async (world) => {
    const { access_token: token, user_id } = await userWithSession(world);
    const username = `n${user_id.slice(-12)}`;
    await expectOk(world.call(updateMe, { username }, { token }));
    return { username };
  }),
  'auth.prove-password invalid_credentials': asService(async (world) => ({
    session_id: 'session',
    user_id: (await verified(world)).user_id,
    password: NEXT,
  })),
  'users.update-me invalid_credentials': asUser(() => ({ phone_number: newNumber(), password: NEXT })),
  'users.request-email-change invalid_credentials': asUser(() => ({ email: newEmail(), password: NEXT })),
  'users.confirm-email invalid_token': asService(() => ({ token: 'none-of-ours', ...CLIENT })),
  'users.confirm-email already_exists': asService(async (world) => ({ token: await lateLink(world), ...CLIENT })),
  'users.undo-email invalid_token': asService(() => ({ token: 'none-of-ours', ...CLIENT })),
  'auth.confirm-email invalid_token': anonymously(() => ({ token: 'none-of-ours' })),
  'auth.confirm-email already_exists': anonymously(async (world) => ({ token: await lateLink(world) })),
  'auth.undo-email invalid_token': anonymously(() => ({ token: 'none-of-ours' })),
  'users.send-phone-code not_found': asUser(() => ({})),
  'users.send-phone-code already_exists': async (world) => {
    const { access_token: token } = await userWithSession(world);
    await provePhone(world, newNumber(), token);
    return { input: {}, token };
  },
  'users.confirm-phone invalid_token': asUser(() => ({ code: '314159' })),
  'users.verify-password not_found': asService(() => ({ user_id: NOBODY, password: PASSWORD })),
  'users.record-login not_found': asService(() => ({ user_id: NOBODY })),
  'users.get-user not_found': asService(() => ({ user_id: NOBODY })),
  'users.update-user-status not_found': asService(() => ({ user_id: NOBODY, status: 'suspended' })),
  'users.add-administrator not_found': asService(() => ({ user_id: NOBODY })),
  'users.update-profile not_found': asService(() => ({ user_id: NOBODY, profile: {} })),
  'users.raise-generation not_found': asService(() => ({ user_id: NOBODY })),
  'users.get-contact not_found': asService(() => ({ user_id: NOBODY })),
  'permissions.assign-role not_found': asService(async (world) => ({
    user_id: (await verified(world)).user_id,
    role: 'nobody-has-made-it',
  })),
  'permissions.grant-permission not_found': asService(() => ({ user_id: NOBODY, permission: 'docs:read' })),
  'permissions.create-role already_exists': asService(async (world) => ({ name: await someRole(world) })),
  'permissions.get-role not_found': asService(() => ({ role: NOBODY })),
  'permissions.put-role not_found': asService(() => ({ role: NOBODY })),
  'permissions.delete-role not_found': asService(() => ({ role: NOBODY })),
  'permissions.create-policy already_exists': asService(async (world) => ({
    ...POLICY,
    name: await somePolicy(world),
  })),
  'permissions.get-policy not_found': asService(() => ({ policy: NOBODY })),
  'permissions.put-policy not_found': asService(() => ({ ...POLICY, policy: NOBODY })),
  'permissions.delete-policy not_found': asService(() => ({ policy: NOBODY })),
  'permissions.remove-roles conflict': asService(withRole),
  'users.on-user-deleted conflict': asEvent('user.deleted', withRole),
  'users.remove-administrator conflict': asService(async (world) => {
    const { user_id } = await verified(world);
    await expectOk(world.call(assignRole, { user_id, role: 'admin' }, { token: world.service_token }));
    return { user_id };
  }),
  'permissions.revoke-role conflict': asService(async (world) => {
    const { user_id } = await verified(world);
    const role = await someRole(world);
    await expectOk(world.call(assignRole, { user_id, role }, { token: world.service_token }));
    return { user_id, role };
  }),
  'sessions.rotate-session invalid_refresh_token': asService(async (world) => ({
    refresh_token: await spentRefreshToken(world),
    client: CLIENT,
  })),
  'sessions.end-my-session not_found': asUser(() => ({ id: NOBODY })),
  'sessions.end-sessions-of-user not_found': asService(() => ({ user_id: NOBODY })),
  'notifications.redeem-ticket invalid_token': asService(() => ({ ticket: 'nobody-gave-this-one' })),
  'notifications.read-notification not_found': asUser(() => ({ id: NOBODY })),
  'notifications.ack-notification not_found': asUser(() => ({ id: NOBODY })),
  'notifications.remove-device not_found': asUser(() => ({ id: NOBODY })),
  'notifications.send-notification not_found': asService(() => ({
    user_id: NOBODY,
    channels: ['email'],
    template_name: 'notice',
    template_data: { title: 'a', text: 'b' },
  })),
  'notifications.get-deliveries not_found': asService(() => ({ id: NOBODY })),
};
